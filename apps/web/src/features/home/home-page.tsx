import type { Health } from "@ciclo/contract";
import { msg, plural } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Badge } from "../../ui/badge.tsx";
import { ButtonLink } from "../../ui/button.tsx";
import { Mono } from "../../ui/code.tsx";
import { PageHeader, Panel } from "../../ui/page.tsx";
import { Empty, Note, Problem, Skeleton } from "../../ui/states.tsx";
import { Time } from "../../ui/time.tsx";
import { Inbox } from "../changes/inbox.tsx";
import { ChangeBadge } from "../changes/labels.tsx";
import { changesQuery } from "../changes/queries.ts";
import { CycleBadge } from "../cycles/labels.tsx";
import { cyclesQuery } from "../cycles/queries.ts";
import { useSession } from "../session/session.tsx";
import { pausesQuery } from "../costs/queries.ts";
import { configurationQuery, healthQuery } from "./queries.ts";

/** What waits for me, what is unhealthy, what changed lately. */
export function HomePage() {
  const { t } = useLingui();
  const { user } = useSession();
  return (
    <>
      <PageHeader
        title={t`Home`}
        lead={t`Signed in as ${user.name}`}
        actions={
          <ButtonLink to="/assistant" look="primary">
            {t`Ask for a change`}
          </ButtonLink>
        }
      />
      <Inbox />
      <PausedRuns />
      <WaitingCycles />
      <div className="grid items-start gap-5 lg:grid-cols-2">
        <HealthPanel />
        <Lately />
      </div>
      <LivePanel />
    </>
  );
}

/** Runs that wait for somebody to decide; not there while there are none. */
function PausedRuns() {
  const { t } = useLingui();
  const { data } = useQuery(pausesQuery);
  const count = (data ?? []).filter(({ state }) => state === "waiting").length;
  if (count === 0) return null;
  return (
    <Note tone="warn">
      <Link to="/costs">
        {t`${plural(count, { one: "# run used up its budget and waits for a decision", other: "# runs used up their budgets and wait for a decision" })}`}
      </Link>
    </Note>
  );
}

const mostNamed = 5;

/** Delivery cycles that wait for somebody; not there while there are none. */
function WaitingCycles() {
  const { t } = useLingui();
  const { data } = useQuery(cyclesQuery({ waiting: "true" }));
  const waiting = data?.items ?? [];
  if (waiting.length === 0) return null;
  return (
    <Panel flush title={t`Cycles that wait`} actions={<Link to="/cycles">{t`All cycles`}</Link>}>
      <ul>
        {waiting.slice(0, mostNamed).map((cycle) => (
          <li
            key={cycle.id}
            className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-2 last:border-b-0"
          >
            <Link
              to="/cycles/$cycleId"
              params={{ cycleId: cycle.id }}
              className="min-w-0 grow basis-48 font-medium wrap-anywhere text-text"
            >
              {cycle.title}
            </Link>
            <CycleBadge {...cycle} />
            <span className="w-full wrap-anywhere text-muted">
              {cycle.requested_by.name} · <Time at={cycle.updated_at} />
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const checkNames: Record<Health["checks"][number]["id"], ReturnType<typeof msg>> = {
  database: msg`Database`,
  disk: msg`Disk`,
  repository: msg`Configuration repository`,
  configuration: msg`Configuration files`,
  changes: msg`Changes under way`,
  servers: msg`MCP servers`,
  keys: msg`Keys`,
  sandbox: msg`Sandbox of servers`,
  logs: msg`Usage logs`,
  background: msg`Background work`,
  audit: msg`Audit log`,
};

const looks = {
  ok: { tone: "ok", icon: "done", label: msg`Healthy` },
  degraded: { tone: "warn", icon: "warning", label: msg`Degraded` },
  down: { tone: "bad", icon: "failed", label: msg`Down` },
} as const;

function HealthPanel() {
  const { t, i18n } = useLingui();
  const { data, error, isPending, refetch } = useQuery(healthQuery);
  const worstFirst = (data?.checks ?? []).toSorted((a, b) => rank(b) - rank(a));
  return (
    <Panel
      flush
      title={t`Health`}
      actions={
        data === undefined ? null : (
          <Badge tone={looks[data.status].tone} icon={looks[data.status].icon}>
            {i18n._(looks[data.status].label)}
          </Badge>
        )
      }
    >
      {isPending ? <Skeleton rows={5} height={36} /> : null}
      {error === null ? null : <Problem error={error} onRetry={() => void refetch()} />}
      <ul>
        {worstFirst.map(({ id, status, detail }) => (
          <li
            key={id}
            className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-2 last:border-b-0"
          >
            <span className="grow font-medium">{i18n._(checkNames[id])}</span>
            {status === "ok" ? null : (
              <Badge tone={looks[status].tone} icon={looks[status].icon}>
                {i18n._(looks[status].label)}
              </Badge>
            )}
            <span className={status === "ok" ? "wrap-anywhere text-muted" : "w-full wrap-anywhere"}>
              {detail}
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const rank = ({ status }: Health["checks"][number]): number => ["ok", "degraded", "down"].indexOf(status);

function Lately() {
  const { t } = useLingui();
  const { data, error, isPending, refetch } = useQuery(changesQuery({}));
  return (
    <Panel flush title={t`Recent changes`} actions={<Link to="/changes">{t`All changes`}</Link>}>
      {isPending ? <Skeleton rows={5} height={36} /> : null}
      {error === null ? null : <Problem error={error} onRetry={() => void refetch()} />}
      {data?.items.length === 0 ? (
        <div className="p-4">
          <Empty title={t`No change yet`}>
            {t`Tell the assistant what should change. You get a plan to read before anything is written.`}
          </Empty>
        </div>
      ) : null}
      <ul>
        {data?.items.slice(0, 8).map((change) => (
          <li
            key={change.record_id}
            className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-2 last:border-b-0"
          >
            <Link
              to="/changes/$planId"
              params={{ planId: change.plan_id }}
              className="min-w-0 grow basis-48 font-medium wrap-anywhere text-text"
            >
              {change.kind === "rollback" ? t`Rollback: ${change.summary}` : change.summary}
            </Link>
            <ChangeBadge {...change} />
            <span className="w-full wrap-anywhere text-muted">
              {change.actor} · <Time at={change.created_at} />
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function LivePanel() {
  const { t } = useLingui();
  const { data, error, refetch } = useQuery(configurationQuery);
  if (data === undefined) {
    return (
      <Panel title={t`Live configuration`}>
        {error === null ? (
          <Skeleton rows={1} height={62} />
        ) : (
          <Problem error={error} onRetry={() => void refetch()} />
        )}
      </Panel>
    );
  }
  const { agents, servers, policies, branch, commit } = data;
  const groups = [
    {
      id: "agents",
      title: t`${plural(agents.length, { one: "# agent", other: "# agents" })}`,
      names: agents.map(({ name }) => name),
    },
    {
      id: "servers",
      title: t`${plural(servers.length, { one: "# MCP server", other: "# MCP servers" })}`,
      names: servers.map(({ id }) => id),
    },
    {
      id: "policies",
      title: t`${plural(policies.length, { one: "# policy", other: "# policies" })}`,
      names: policies.map(({ id }) => id),
    },
  ];
  return (
    <Panel
      title={t`Live configuration`}
      actions={<Mono className="text-muted">{`${branch} @ ${commit.slice(0, 8)}`}</Mono>}
    >
      <div className="grid gap-4 sm:grid-cols-3">
        {groups.map(({ id, title, names }) => (
          <div key={id} className="min-w-0">
            <h3>{title}</h3>
            <p className="wrap-anywhere text-muted">
              {names.slice(0, 12).join(", ")}
              {names.length > 12 ? "…" : ""}
            </p>
          </div>
        ))}
      </div>
    </Panel>
  );
}
