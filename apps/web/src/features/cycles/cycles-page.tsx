import { type Cycle, cycleStates } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { Button } from "../../ui/button.tsx";
import { Mono } from "../../ui/code.tsx";
import { SelectField } from "../../ui/field.tsx";
import { PageHeader, Panel } from "../../ui/page.tsx";
import { Empty, Problem, Skeleton } from "../../ui/states.tsx";
import { type Column, rowLink, Table } from "../../ui/table.tsx";
import { Time } from "../../ui/time.tsx";
import { useBlocked } from "../session/session.tsx";
import { CycleBadge, ReplayBadge, stageLabels, stateLooks } from "./labels.tsx";
import { type CycleFilters, cyclesQuery } from "./queries.ts";
import { StartDialog } from "./start-dialog.tsx";

/** All cycles, those first that wait for somebody. */
export function CyclesPage({
  filters,
  onFilter,
}: {
  filters: CycleFilters;
  onFilter(filters: CycleFilters): void;
}) {
  const { t, i18n } = useLingui();
  const [isStarting, setStarting] = useState(false);
  const blocked = useBlocked()("plan");
  return (
    <>
      <PageHeader
        title={t`Cycles`}
        lead={t`From an issue to a reviewed change of a repository: each step is shown, and people decide at the checkpoints.`}
        actions={
          <Button look="primary" blocked={blocked} onClick={() => setStarting(true)}>
            {t`Start a cycle…`}
          </Button>
        }
      />
      <Panel flush title={t`All cycles`}>
        <div className="border-b border-line p-4">
          <div className="sm:max-w-72">
            <SelectField
              label={t`State`}
              value={filters.state ?? ""}
              onChange={({ target }) => {
                const state = cycleStates.find((one) => one === target.value);
                onFilter(state === undefined ? {} : { state });
              }}
              options={[
                { value: "", label: t`Any` },
                ...cycleStates.map((value) => ({ value, label: i18n._(stateLooks[value].label) })),
              ]}
            />
          </div>
        </div>
        <List filters={filters} onFilter={onFilter} />
      </Panel>
      {isStarting ? <StartDialog onClose={() => setStarting(false)} /> : null}
    </>
  );
}

function List({ filters, onFilter }: { filters: CycleFilters; onFilter(filters: CycleFilters): void }) {
  const { t } = useLingui();
  const columns = useColumns();
  const { data, error, isPending, isPlaceholderData, refetch } = useQuery(cyclesQuery(filters));
  if (isPending)
    return (
      <div className="p-4">
        <Skeleton rows={5} height={44} />
      </div>
    );
  if (data === undefined)
    return (
      <div className="p-4">
        <Problem error={error} onRetry={() => void refetch()} />
      </div>
    );
  if (data.items.length === 0)
    return (
      <div className="p-4">
        <Empty title={filters.state === undefined ? t`No cycle yet` : t`No cycle is in this state`}>
          {t`Name a repository that policies/cycles.yaml allows, and say what is wanted. Nothing is written before somebody agrees.`}
        </Empty>
      </div>
    );
  const next = data.next_cursor;
  return (
    <div aria-busy={isPlaceholderData}>
      <Table label={t`All cycles`} columns={columns} rows={data.items} keyOf={({ id }) => id} />
      {next === null ? null : (
        <div className="flex justify-end border-t border-line p-3">
          <Button small onClick={() => onFilter({ ...filters, cursor: next })}>
            {t`Older`}
          </Button>
        </div>
      )}
    </div>
  );
}

function useColumns(): Column<Cycle>[] {
  const { t, i18n } = useLingui();
  return useMemo(
    () => [
      {
        id: "title",
        header: t`Cycle`,
        cell: ({ id, title, repository }) => (
          <>
            <Link
              {...rowLink}
              to="/cycles/$cycleId"
              params={{ cycleId: id }}
              className="font-medium wrap-anywhere text-text"
            >
              {title}
            </Link>
            <div className="text-muted">
              <Mono>{repository}</Mono>
            </div>
          </>
        ),
      },
      {
        id: "state",
        header: t`State`,
        cell: (cycle) => (
          <span className="flex flex-wrap gap-1">
            <CycleBadge {...cycle} />
            <ReplayBadge {...cycle} />
          </span>
        ),
      },
      {
        id: "stage",
        header: t`Stage`,
        className: "whitespace-nowrap",
        cell: ({ stage }) => <span>{i18n._(stageLabels[stage])}</span>,
      },
      {
        id: "by",
        header: t`By`,
        className: "max-lg:hidden! max-w-40",
        cell: ({ requested_by: { name } }) => <span className="wrap-anywhere">{name}</span>,
      },
      {
        id: "updated",
        header: t`When`,
        className: "text-muted",
        cell: ({ updated_at }) => <Time at={updated_at} />,
      },
    ],
    [t, i18n],
  );
}
