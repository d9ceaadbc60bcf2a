import type { Planned, ServerDetail, Tool } from "@ciclo/contract";
import { plural } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { call } from "../../api.ts";
import { Button } from "../../ui/button.tsx";
import { Mono } from "../../ui/code.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Panel } from "../../ui/page.tsx";
import { Empty, Note, Problem, Skeleton } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { PlanCard } from "../assistant/plan-card.tsx";
import { useBlocked } from "../session/session.tsx";
import { ToolBadge } from "./labels.tsx";
import { ToolDialog } from "./tool-dialog.tsx";

/** What a server offers, held against what was approved. */
export function Tools({ server }: { server: ServerDetail }) {
  const { t } = useLingui();
  const [shown, setShown] = useState<string | null>(null);
  const [accepting, setAccepting] = useState<readonly string[] | null>(null);
  const columns = useToolColumns(setShown);
  const blocked = useBlocked()("plan");
  const open = server.tool_list.filter(({ state }) => state !== "accepted" && state !== "invalid");
  if (server.tool_list.length === 0) {
    return <Empty title={t`No tools`}>{t`Tools are read when the server answers.`}</Empty>;
  }
  return (
    <div className="flex flex-col gap-4">
      {open.length === 0 ? null : (
        <Note tone="warn">
          <div className="flex flex-wrap items-center justify-between gap-2">
            <span>
              {t`${plural(open.length, { one: "# tool is not as approved, and is withheld.", other: "# tools are not as approved, and are withheld." })}`}
            </span>
            <Button small blocked={blocked} onClick={() => setAccepting(open.map(({ name }) => name))}>
              {t`Plan to accept all…`}
            </Button>
          </div>
        </Note>
      )}
      <Panel flush>
        <Table label={t`Tools`} columns={columns} rows={server.tool_list} keyOf={({ name }) => name} />
      </Panel>
      {shown === null ? null : (
        <ToolDialog
          serverId={server.id}
          tool={shown}
          blocked={blocked}
          onClose={() => setShown(null)}
          onAccept={() => {
            setAccepting([shown]);
            setShown(null);
          }}
        />
      )}
      {accepting === null ? null : (
        <AcceptDialog serverId={server.id} tools={accepting} onClose={() => setAccepting(null)} />
      )}
    </div>
  );
}

function useToolColumns(show: (tool: string) => void): Column<Tool>[] {
  const { t } = useLingui();
  return useMemo(
    () => [
      {
        id: "tool",
        header: t`Tool`,
        value: ({ name }) => name,
        cell: ({ name, description }) => (
          <>
            <Mono className="font-semibold">{name}</Mono>
            {description === null ? null : (
              <div className="line-clamp-2 max-w-prose wrap-anywhere text-muted">{description}</div>
            )}
          </>
        ),
      },
      {
        id: "state",
        header: t`Lock`,
        value: ({ state }) => state,
        cell: ({ state, reason }) => (
          <div className="flex flex-col gap-1">
            <ToolBadge state={state} />
            {reason === null ? null : (
              <span className="max-w-64 text-[0.93rem] wrap-anywhere text-muted">{reason}</span>
            )}
          </div>
        ),
      },
      {
        id: "definition",
        header: "",
        className: "w-28 text-right",
        cell: ({ name, state }) => (
          <Button
            small
            aria-label={state === "changed" ? t`Diff of ${name}` : t`Definition of ${name}`}
            onClick={() => show(name)}
          >
            {state === "changed" ? t`Diff` : t`Definition`}
          </Button>
        ),
      },
    ],
    [t, show],
  );
}

/** Plans to accept tools as they are offered now, and shows the plan. */
function AcceptDialog({
  serverId,
  tools,
  onClose,
}: {
  serverId: string;
  tools: readonly string[];
  onClose(): void;
}) {
  const { t } = useLingui();
  const { data, error, isFetching, refetch } = useQuery<Planned>({
    queryKey: ["accept", serverId, tools],
    queryFn: () => call("acceptTools", { params: { id: serverId }, body: { tools: [...tools] } }),
    gcTime: 0,
    staleTime: Infinity,
  });
  return (
    <Dialog
      open
      wide
      onOpenChange={(open) => open || onClose()}
      title={t`Accept tools of ${serverId}`}
      actions={<Button onClick={onClose}>{t`Close`}</Button>}
    >
      {error === null ? null : <Problem error={error} onRetry={() => void refetch()} />}
      {data === undefined ? (
        error === null ? (
          <Skeleton rows={2} height={120} />
        ) : null
      ) : (
        <PlanCard
          plan={data.plan}
          patch={data.patch}
          preview={data.preview}
          threadId={null}
          onPlanAgain={() => void refetch()}
          isPlanning={isFetching}
        />
      )}
    </Dialog>
  );
}
