import type { ServerSummary } from "@ciclo/contract";
import { plural } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { FileInput, Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { Button } from "../../ui/button.tsx";
import { Mono } from "../../ui/code.tsx";
import { PageHeader, Panel } from "../../ui/page.tsx";
import { Empty, Problem, Skeleton } from "../../ui/states.tsx";
import { type Column, rowLink, Table } from "../../ui/table.tsx";
import { Time } from "../../ui/time.tsx";
import { useBlocked } from "../session/session.tsx";
import { ClientConfiguration } from "./client-configuration.tsx";
import { ImportDialog } from "./import-dialog.tsx";
import { ServerBadge } from "./labels.tsx";
import { OnboardDialog } from "./onboard-dialog.tsx";
import { serversQuery } from "./queries.ts";
import { Sparkline } from "./sparkline.tsx";

/** What is down or drifted first, then every server. */
export function ServersPage() {
  const { t } = useLingui();
  const [doing, setDoing] = useState<"onboard" | "import" | null>(null);
  const blocked = useBlocked()("plan");
  const close = (): void => setDoing(null);
  return (
    <>
      <PageHeader
        title={t`Servers`}
        lead={t`MCP servers of the live configuration: how they are, and which tools they may offer.`}
        actions={
          <>
            <Button
              blocked={blocked}
              icon={<FileInput size={16} aria-hidden />}
              onClick={() => setDoing("import")}
            >{t`Import…`}</Button>
            <Button
              look="primary"
              blocked={blocked}
              icon={<Plus size={16} aria-hidden />}
              onClick={() => setDoing("onboard")}
            >{t`Onboard a server…`}</Button>
          </>
        }
      />
      <Servers onOnboard={() => setDoing("onboard")} />
      <ClientConfiguration server={null} />
      {doing === "onboard" ? <OnboardDialog onClose={close} /> : null}
      {doing === "import" ? <ImportDialog onClose={close} /> : null}
    </>
  );
}

const needsLook = ({ state, tools }: ServerSummary): boolean =>
  state === "down" || state === "quarantined" || state === "degraded" || tools.withheld > 0;

function Servers({ onOnboard }: { onOnboard(): void }) {
  const { t } = useLingui();
  const columns = useColumns();
  const { data, error, isPending, refetch } = useQuery(serversQuery);
  const blocked = useBlocked()("plan");
  if (isPending) return <Skeleton rows={4} height={52} />;
  if (data === undefined) return <Problem error={error} onRetry={() => void refetch()} />;
  if (data.length === 0) {
    return (
      <Empty
        title={t`No server yet`}
        action={<Button blocked={blocked} onClick={onOnboard}>{t`Onboard the first one…`}</Button>}
      >
        {t`Give an address or a command: the console shakes hands with the server, and plans its registration with its tools locked as they are.`}
      </Empty>
    );
  }
  const attention = data.filter(needsLook);
  const well = data.filter((server) => !needsLook(server));
  return (
    <>
      {attention.length === 0 ? null : (
        <Panel
          flush
          title={t`${plural(attention.length, { one: "# server needs attention", other: "# servers need attention" })}`}
        >
          <Table
            label={t`Servers that need attention`}
            columns={columns}
            rows={attention}
            keyOf={({ id }) => id}
          />
        </Panel>
      )}
      {well.length === 0 ? null : (
        <Panel flush title={attention.length === 0 ? t`All servers are well` : t`The others are well`}>
          <Table label={t`Servers that are well`} columns={columns} rows={well} keyOf={({ id }) => id} />
        </Panel>
      )}
    </>
  );
}

function useColumns(): Column<ServerSummary>[] {
  const { t } = useLingui();
  return useMemo(
    () => [
      {
        id: "server",
        header: t`Server`,
        value: ({ id, title }) => `${id} ${title}`,
        cell: ({ id, title, target, detail }) => (
          <>
            <Link
              {...rowLink}
              to="/servers/$serverId"
              params={{ serverId: id }}
              className="font-medium wrap-anywhere text-text"
            >
              {title}
            </Link>
            <div className="line-clamp-2 max-w-prose text-muted" title={target}>
              <Mono>{title === id ? target : `${id} · ${target}`}</Mono>
            </div>
            {detail === null ? null : <div className="max-w-prose wrap-anywhere text-bad">{detail}</div>}
          </>
        ),
      },
      {
        id: "state",
        header: t`State`,
        value: ({ state }) => state,
        cell: ({ state, state_since }) => (
          <div className="flex flex-col gap-0.5 max-sm:flex-row max-sm:items-center max-sm:gap-2">
            <ServerBadge state={state} />
            <span className="text-[0.93rem] text-muted">
              <Time at={state_since} />
            </span>
          </div>
        ),
      },
      {
        id: "tools",
        header: t`Tools`,
        value: ({ tools }) => tools.offered,
        cell: ({ tools }) => (
          <span className="whitespace-nowrap tabular-nums">
            {t`${plural(tools.offered, { 0: "none offered", one: "# offered", other: "# offered" })}`}
            {tools.withheld === 0 ? null : (
              <span className="block font-medium text-warn">
                {t`${plural(tools.withheld, { one: "# withheld", other: "# withheld" })}`}
              </span>
            )}
          </span>
        ),
      },
      {
        id: "latency",
        header: t`Latency`,
        cell: ({ latency }) => <Sparkline samples={latency} />,
      },
    ],
    [t],
  );
}
