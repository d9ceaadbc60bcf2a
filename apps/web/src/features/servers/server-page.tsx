import type { ServerDetail } from "@ciclo/contract";
import { plural } from "@lingui/core/macro";
import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Activity, RotateCw } from "lucide-react";
import { useMemo } from "react";
import { call } from "../../api.ts";
import { describeProblem } from "../../problems.ts";
import { Button, ButtonLink } from "../../ui/button.tsx";
import { Code, Mono } from "../../ui/code.tsx";
import { Facts, PageHeader, Panel } from "../../ui/page.tsx";
import { Empty, Note, Problem, Skeleton } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { Tabs } from "../../ui/tabs.tsx";
import { Time } from "../../ui/time.tsx";
import { useToast } from "../../ui/toast.tsx";
import { useBlocked } from "../session/session.tsx";
import { ClientConfiguration } from "./client-configuration.tsx";
import { ServerBadge } from "./labels.tsx";
import { Tools } from "./tools.tsx";
import { serverQuery } from "./queries.ts";
import { Sparkline } from "./sparkline.tsx";
import { type ServerTab, serverTabs } from "./tabs.ts";

type TabProps = { tab: ServerTab; onTab(tab: ServerTab): void };

/** One server: what is wrong with it and what to do, then its tools. */
export function ServerPage({ serverId, tab, onTab }: { serverId: string } & TabProps) {
  const { t } = useLingui();
  const { data: server, error, isPending, refetch } = useQuery(serverQuery(serverId));
  if (isPending) return <Skeleton rows={4} height={80} />;
  if (server === undefined) return <Problem error={error} onRetry={() => void refetch()} />;
  if (server === null) {
    return (
      <>
        <PageHeader title={t`Server`} />
        <Empty
          title={t`No server is called that`}
          action={<ButtonLink to="/servers">{t`All servers`}</ButtonLink>}
        >
          {t`It may have been removed, or its plan waits for approval.`} <Mono>{serverId}</Mono>
        </Empty>
      </>
    );
  }
  return (
    <>
      <Header server={server} />
      {server.detail === null ? null : <Trouble server={server} />}
      <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <Parts server={server} tab={tab} onTab={onTab} />
        <Side server={server} />
      </div>
    </>
  );
}

function Header({ server }: { server: ServerDetail }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const toast = useToast();
  const blocked = useBlocked()("operate");
  const settle = {
    onSuccess: () => client.invalidateQueries(),
    onError: (error: unknown) =>
      toast(describeProblem(error, t).title, describeProblem(error, t).detail ?? undefined),
  };
  const params = { id: server.id };
  const probe = useMutation({ mutationFn: () => call("probeServer", { params }), ...settle });
  const restart = useMutation({ mutationFn: () => call("restartServer", { params }), ...settle });
  return (
    <>
      <p className="-mb-3">
        <Link to="/servers">{t`Servers`}</Link>
      </p>
      <PageHeader
        title={server.title}
        lead={
          <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <ServerBadge state={server.state} />
            <Time at={server.state_since} />
            <Sparkline samples={server.latency} />
          </span>
        }
        actions={
          <>
            <Button
              blocked={blocked}
              busy={probe.isPending}
              icon={<Activity size={16} aria-hidden />}
              onClick={() => probe.mutate()}
            >{t`Probe now`}</Button>
            <Button
              blocked={blocked}
              busy={restart.isPending}
              icon={<RotateCw size={16} aria-hidden />}
              onClick={() => restart.mutate()}
            >{t`Restart`}</Button>
          </>
        }
      />
    </>
  );
}

function Trouble({ server: { detail, retry_at, restarts } }: { server: ServerDetail }) {
  const { t } = useLingui();
  return (
    <Note tone="warn">
      <p className="font-medium">{detail}</p>
      {retry_at === null ? null : (
        <p>
          <Trans>
            Tried again by itself: <Time at={retry_at} exact />
          </Trans>
        </p>
      )}
      {restarts === 0 ? null : (
        <p>{t`${plural(restarts, { one: "Ended # time on its own", other: "Ended # times on its own" })}`}</p>
      )}
    </Note>
  );
}

function Parts({ server, tab, onTab }: { server: ServerDetail } & TabProps) {
  const { t } = useLingui();
  const log = server.log.map(({ at, line }) => `${at}  ${line}`).join("\n");
  return (
    <Tabs
      label={t`Parts of the server`}
      value={tab}
      onChange={(id) => onTab(serverTabs.find((each) => each === id) ?? "tools")}
      tabs={[
        { id: "tools", label: t`Tools`, count: server.tool_list.length, content: <Tools server={server} /> },
        { id: "latency", label: t`Latency`, content: <Latency server={server} /> },
        {
          id: "log",
          label: t`Log`,
          content:
            log === "" ? <Empty title={t`It has said nothing yet`} /> : <Code label={t`Log`}>{log}</Code>,
        },
        { id: "client", label: t`Client`, content: <ClientConfiguration server={server.id} /> },
      ]}
    />
  );
}

function Latency({ server }: { server: ServerDetail }) {
  const { t } = useLingui();
  const rows = useMemo(() => server.latency.toReversed(), [server.latency]);
  const columns = useMemo<Column<(typeof rows)[number]>[]>(
    () => [
      { id: "at", header: t`When`, value: ({ at }) => at, cell: ({ at }) => <Time at={at} exact /> },
      {
        id: "ms",
        header: t`Milliseconds`,
        value: ({ ms }) => ms ?? -1,
        cell: ({ ms, ok }) => (
          <span className={ok ? "tabular-nums" : "font-medium text-bad"}>{ok ? ms : t`no answer`}</span>
        ),
      },
    ],
    [t],
  );
  if (rows.length === 0) return <Empty title={t`Not probed yet`} />;
  return (
    <Panel flush>
      <Table label={t`Latency`} columns={columns} rows={rows} keyOf={({ at }) => at} />
    </Panel>
  );
}

function Side({ server }: { server: ServerDetail }) {
  const { t } = useLingui();
  return (
    <div className="flex min-w-0 flex-col gap-5">
      <Panel title={t`Details`}>
        <Facts
          items={[
            [t`Id`, <Mono key="id">{server.id}</Mono>],
            [t`Transport`, <Mono key="transport">{server.transport}</Mono>],
            [
              server.transport === "stdio" ? t`Command` : t`Address`,
              <Mono key="target">{server.target}</Mono>,
            ],
            server.protocol_version === null
              ? null
              : [t`Protocol`, <Mono key="protocol">{server.protocol_version}</Mono>],
            server.server_info === null
              ? null
              : [t`Calls itself`, `${server.server_info.name} ${server.server_info.version}`],
            [t`Session`, server.session === "shared" ? t`One, shared by all callers` : t`Each caller's own`],
            [t`Calls under way`, String(server.calls_in_flight)],
            server.agents.length === 0 ? null : [t`Agents`, server.agents.join(", ")],
          ]}
        />
      </Panel>
      <Panel title={t`Keys`}>
        {server.keys.length === 0 ? (
          <p className="text-muted">{t`It takes no key.`}</p>
        ) : (
          <ul className="flex flex-col gap-2">
            {server.keys.map(({ name, reference }) => (
              <li key={name}>
                <Mono>{name}</Mono>
                <div>
                  <Link to="/keys">
                    <Mono>{reference}</Mono>
                  </Link>
                </div>
              </li>
            ))}
          </ul>
        )}
      </Panel>
    </div>
  );
}
