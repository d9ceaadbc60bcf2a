import type { ApprovalItem } from "@ciclo/contract";
import { plural } from "@lingui/core/macro";
import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Badge } from "../../ui/badge.tsx";
import { Mono } from "../../ui/code.tsx";
import { ButtonLink } from "../../ui/button.tsx";
import { Panel } from "../../ui/page.tsx";
import { Empty, Note, Problem, Skeleton } from "../../ui/states.tsx";
import { Time } from "../../ui/time.tsx";
import { impactLooks } from "./labels.tsx";
import { inboxQuery, mineToDecide } from "./queries.ts";

const shownOthers = 10;

/** What waits for the person who looks, and under it what waits for others. */
export function Inbox() {
  const { t } = useLingui();
  const { data, error, isPending, refetch } = useQuery(inboxQuery);
  if (isPending) return <Skeleton rows={1} height={96} />;
  if (data === undefined) return <Problem error={error} onRetry={() => void refetch()} />;
  const mine = mineToDecide(data.items);
  const others = data.items.filter((item) => !item.can_decide);
  return (
    <>
      {mine.length === 0 ? (
        <Empty title={t`Nothing waits for your decision`}>
          {others.length === 0
            ? t`A change that needs you will appear here automatically.`
            : t`${plural(others.length, { one: "# change waits for somebody else.", other: "# changes wait for somebody else." })}`}
        </Empty>
      ) : (
        <Panel
          flush
          title={t`${plural(mine.length, { one: "# approval waits for you", other: "# approvals wait for you" })}`}
        >
          <Items items={mine} decides />
        </Panel>
      )}
      {others.length === 0 ? null : (
        <Panel
          flush
          title={t`Waiting for others`}
          actions={
            others.length > shownOthers ? (
              <Link to="/changes" search={{ status: "hitl_required" }}>
                {t`All that wait`}
              </Link>
            ) : null
          }
        >
          <Items items={others.slice(0, shownOthers)} />
        </Panel>
      )}
      {data.next_cursor === null ? null : (
        <Note tone="warn">
          <Trans>
            More wait than are shown here; those nearest to their expiry are among the rest.{" "}
            <Link to="/changes" search={{ status: "hitl_required" }}>
              See all that wait
            </Link>
          </Trans>
        </Note>
      )}
    </>
  );
}

function Items({ items, decides = false }: { items: readonly ApprovalItem[]; decides?: boolean }) {
  const { t, i18n } = useLingui();
  return (
    <ul>
      {items.map((item) => (
        <li
          key={item.id}
          className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line px-4 py-3 last:border-b-0"
        >
          <div className="min-w-0 grow basis-64">
            <Link
              to="/changes/$planId"
              params={{ planId: item.plan_id }}
              className="font-medium wrap-anywhere text-text"
            >
              {item.summary}
            </Link>
            <p className="wrap-anywhere text-muted">
              <Mono>{item.plan_id}</Mono> · {t`by ${item.requested_by}`} · <Time at={item.created_at} />
              {decides || item.blocked_reason === null ? "" : ` · ${item.blocked_reason}`}
            </p>
          </div>
          {item.risk === null || item.risk === "low" ? null : (
            <Badge tone={impactLooks[item.risk].tone} icon={impactLooks[item.risk].icon}>
              {t`Risk: ${i18n._(impactLooks[item.risk].label)}`}
            </Badge>
          )}
          <span className="text-muted">
            {t`${item.approvals.given} of ${item.approvals.required} approvals`}
          </span>
          {decides ? (
            <ButtonLink look="primary" small to="/changes/$planId" params={{ planId: item.plan_id }}>
              {t`Review`}
            </ButtonLink>
          ) : null}
        </li>
      ))}
    </ul>
  );
}
