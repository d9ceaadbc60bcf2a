import { type ChangeSummary, changeOutcomes, changeStatuses, intents } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { useMemo } from "react";
import { Button, ButtonLink } from "../../ui/button.tsx";
import { Mono } from "../../ui/code.tsx";
import { SelectField } from "../../ui/field.tsx";
import { PageHeader, Panel } from "../../ui/page.tsx";
import { SearchField } from "../../ui/search-field.tsx";
import { Empty, Problem, Skeleton } from "../../ui/states.tsx";
import { type Column, rowLink, Table } from "../../ui/table.tsx";
import { Time } from "../../ui/time.tsx";
import { Inbox } from "./inbox.tsx";
import { ChangeBadge, intentLabels, outcomeLooks, statusLooks } from "./labels.tsx";
import { type ChangeFilters, changesQuery } from "./queries.ts";

/** What waits for a decision on top, then the history. Filters and place are in the address. */
export function ChangesPage({
  filters,
  onFilter,
}: {
  filters: ChangeFilters;
  onFilter(filters: ChangeFilters): void;
}) {
  const { t } = useLingui();
  return (
    <>
      <PageHeader
        title={t`Changes`}
        lead={t`Every change to the configuration: who asked, who approved, what landed.`}
        actions={
          <ButtonLink to="/assistant" look="primary">
            {t`Ask for a change`}
          </ButtonLink>
        }
      />
      <Inbox />
      <Panel flush title={t`All changes`}>
        <Filters filters={filters} onFilter={onFilter} />
        <History filters={filters} onFilter={onFilter} />
      </Panel>
    </>
  );
}

type FilterProps = { filters: ChangeFilters; onFilter(filters: ChangeFilters): void };

/** The filters with one of them set, or left out, and back on the first page. */
function withFilter(filters: ChangeFilters, name: keyof ChangeFilters, value: string): ChangeFilters {
  const { cursor: _, [name]: __, ...rest } = { ...filters, [name]: undefined };
  return value === "" ? rest : { ...rest, [name]: value };
}

function Filters({ filters, onFilter }: FilterProps) {
  const { t, i18n } = useLingui();
  const any = { value: "", label: t`Any` };
  const set = (name: keyof ChangeFilters) => (value: string) => onFilter(withFilter(filters, name, value));
  return (
    <div className="grid grid-cols-2 gap-3 border-b border-line p-4 lg:grid-cols-[2fr_1fr_1fr_1fr]">
      <div className="max-lg:col-span-2">
        <SearchField
          label={t`Search`}
          placeholder={t`Summary, plan or branch`}
          value={filters.search ?? ""}
          onSearch={set("search")}
        />
      </div>
      <SelectField
        label={t`Status`}
        value={filters.status ?? ""}
        onChange={(event) => set("status")(event.target.value)}
        options={[
          any,
          ...changeStatuses.map((value) => ({ value, label: i18n._(statusLooks[value].label) })),
        ]}
      />
      <SelectField
        label={t`Outcome`}
        value={filters.outcome ?? ""}
        onChange={(event) => set("outcome")(event.target.value)}
        options={[
          any,
          ...changeOutcomes.map((value) => ({ value, label: i18n._(outcomeLooks[value].label) })),
        ]}
      />
      <div className="max-lg:col-span-2">
        <SelectField
          label={t`Kind`}
          value={filters.intent ?? ""}
          onChange={(event) => set("intent")(event.target.value)}
          options={[any, ...intents.map((value) => ({ value, label: i18n._(intentLabels[value]) }))]}
        />
      </div>
    </div>
  );
}

function History({ filters, onFilter }: FilterProps) {
  const { t } = useLingui();
  const columns = useColumns();
  const { data, error, isPending, isPlaceholderData, refetch } = useQuery(changesQuery(filters));
  if (isPending) return <Padded>{<Skeleton rows={6} height={44} />}</Padded>;
  if (data === undefined)
    return (
      <Padded>
        <Problem error={error} onRetry={() => void refetch()} />
      </Padded>
    );
  const isFiltered = Object.keys(filters).length > 0;
  if (data.items.length === 0) {
    return (
      <Padded>
        {isFiltered ? (
          <Empty
            title={t`No change fits these filters`}
            action={<Button onClick={() => onFilter({})}>{t`Clear filters`}</Button>}
          />
        ) : (
          <Empty
            title={t`No change yet`}
            action={<ButtonLink to="/assistant">{t`Ask for the first one`}</ButtonLink>}
          >
            {t`Tell the assistant what should change. You get a plan to read before anything is written.`}
          </Empty>
        )}
      </Padded>
    );
  }
  const { cursor, ...rest } = filters;
  return (
    <div aria-busy={isPlaceholderData}>
      <Table
        label={t`All changes`}
        columns={columns}
        rows={data.items}
        keyOf={({ record_id }) => record_id}
      />
      {cursor === undefined && data.next_cursor === null ? null : (
        <div className="flex justify-between gap-2 border-t border-line p-3">
          <Button
            small
            blocked={cursor === undefined ? t`These are the newest` : null}
            icon={<ChevronLeft size={15} aria-hidden />}
            onClick={() => onFilter(rest)}
          >
            {t`Newest`}
          </Button>
          <Button
            small
            blocked={data.next_cursor === null ? t`There are no older ones` : null}
            onClick={() =>
              onFilter({ ...rest, ...(data.next_cursor === null ? {} : { cursor: data.next_cursor }) })
            }
          >
            {t`Older`}
            <ChevronRight size={15} aria-hidden />
          </Button>
        </div>
      )}
    </div>
  );
}

const Padded = ({ children }: { children: React.ReactNode }) => <div className="p-4">{children}</div>;

function useColumns(): Column<ChangeSummary>[] {
  const { t, i18n } = useLingui();
  return useMemo(
    () => [
      {
        id: "summary",
        header: t`Change`,
        cell: ({ plan_id, summary, kind }) => (
          <>
            <Link
              {...rowLink}
              to="/changes/$planId"
              params={{ planId: plan_id }}
              className="font-medium wrap-anywhere text-text"
            >
              {kind === "rollback" ? t`Rollback: ${summary}` : summary}
            </Link>
            <div className="text-muted">
              <Mono>{plan_id}</Mono>
            </div>
          </>
        ),
      },
      {
        id: "state",
        header: t`State`,
        cell: (change) => <ChangeBadge {...change} />,
      },
      {
        id: "intent",
        header: t`Kind`,
        className: "max-lg:hidden! whitespace-nowrap",
        cell: ({ intent }) => (
          <span>{i18n._(intentLabels[intent as keyof typeof intentLabels] ?? intent)}</span>
        ),
      },
      {
        id: "actor",
        header: t`By`,
        className: "max-w-40",
        cell: ({ actor }) => <span className="wrap-anywhere">{actor}</span>,
      },
      {
        id: "updated",
        header: t`When`,
        className: "text-muted",
        cell: ({ created_at }) => <Time at={created_at} />,
      },
    ],
    [t, i18n],
  );
}
