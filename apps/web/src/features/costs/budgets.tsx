import type { BudgetStanding } from "@ciclo/contract";
import { msg, plural } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Badge } from "../../ui/badge.tsx";
import { ButtonLink } from "../../ui/button.tsx";
import { Mono } from "../../ui/code.tsx";
import { cx } from "../../ui/cx.ts";
import { Panel } from "../../ui/page.tsx";
import { Empty, Problem, Skeleton } from "../../ui/states.tsx";
import { Time } from "../../ui/time.tsx";
import type { Look } from "../changes/labels.tsx";
import { useFigures } from "./format.ts";
import { groupLabels } from "./labels.ts";
import { budgetsQuery } from "./queries.ts";

const looks: Record<BudgetStanding["state"], Look> = {
  within: { tone: "ok", icon: "done", label: msg`Within` },
  alert: { tone: "warn", icon: "warning", label: msg`Near the limit` },
  exceeded: { tone: "bad", icon: "stopped", label: msg`Used up` },
  unreadable: { tone: "bad", icon: "warning", label: msg`Cannot be read` },
};

const bars: Record<BudgetStanding["state"], string> = {
  within: "bg-accent",
  alert: "bg-warn",
  exceeded: "bg-bad",
  unreadable: "bg-bad",
};

const effects: Record<BudgetStanding["on_exceeded"], ReturnType<typeof msg>> = {
  block: msg`refuses calls beyond it`,
  ask: msg`pauses runs, and refuses other calls beyond it`,
  warn: msg`only warns`,
};

/** Spend against budget: what is nearest to its limit first. */
export function Budgets() {
  const { t } = useLingui();
  const { data, error, isPending, refetch } = useQuery(budgetsQuery);
  return (
    <Panel title={t`Budgets`} flush={data !== undefined && data.length > 0}>
      {isPending ? (
        <Skeleton rows={2} height={56} />
      ) : data === undefined ? (
        <Problem error={error} onRetry={() => void refetch()} />
      ) : data.length === 0 ? (
        <Empty
          title={t`No budget yet`}
          action={
            <ButtonLink
              to="/assistant"
              search={{ say: t`Limit all calls to 20 USD a day` }}
            >{t`Plan one…`}</ButtonLink>
          }
        >
          {t`No limit in dollars or tokens holds. A budget refuses calls before they are made.`}
        </Empty>
      ) : (
        <ul className="grid lg:grid-cols-2">
          {data.map((standing) => (
            <li
              key={`${standing.policy} ${standing.limit} ${standing.holder ?? ""}`}
              className="border-b border-line p-4 last:border-b-0 lg:odd:border-r"
            >
              {standing.state === "unreadable" ? <Unreadable of={standing} /> : <Standing of={standing} />}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Unreadable({ of: { title, raise } }: { of: BudgetStanding }) {
  const { i18n } = useLingui();
  const { tone, icon, label } = looks.unreadable;
  return (
    <article aria-label={title} className="flex flex-col gap-2">
      <header className="flex items-start justify-between gap-2">
        <h3 className="wrap-anywhere">{title}</h3>
        <Badge tone={tone} icon={icon}>
          {i18n._(label)}
        </Badge>
      </header>
      <p>{raise}</p>
    </article>
  );
}

function Standing({ of: standing }: { of: BudgetStanding }) {
  const { t, i18n } = useLingui();
  const figures = useFigures();
  const amount = (value: number): string =>
    standing.unit === "usd" ? figures.usd(value) : t`${figures.count(Math.round(value))} tokens`;
  const look = looks[standing.state];
  const { spent, of, reserved, holder, per, rolling_hours: hours, resets_at: resets } = standing;
  const [spentText, ofText, asideText] = [amount(spent), amount(of), amount(reserved)];
  const share = figures.share(spent, of);
  const name = holder === null || per === null ? standing.title : `${i18n._(groupLabels[per])} ${holder}`;
  return (
    <article aria-label={`${name} ${standing.limit}`} className="flex flex-col gap-2">
      <header className="flex items-start justify-between gap-2">
        <div className="min-w-0">
          <h3 className="wrap-anywhere">{name}</h3>
          <span className="text-muted">
            <Mono>{`${standing.file} · ${standing.field}`}</Mono>
          </span>
        </div>
        <Badge tone={look.tone} icon={look.icon}>
          {i18n._(look.label)}
        </Badge>
      </header>
      <div className="h-2 overflow-hidden rounded-full bg-sunken" aria-hidden>
        <div
          className={cx("h-full rounded-full", bars[standing.state])}
          style={{ width: `${Math.min(100, (100 * spent) / of)}%` }}
        />
      </div>
      <p className="tabular-nums">
        {t`${spentText} of ${ofText} (${share})`}
        {reserved > 0 ? (
          <span className="block text-muted">{t`${asideText} are set aside for calls under way`}</span>
        ) : null}
      </p>
      <p className="text-muted">
        {hours !== null ? (
          t`${plural(hours, { one: "Of the last hour", other: "Of the last # hours" })}`
        ) : resets === null ? (
          t`Of all time`
        ) : (
          <>
            {t`Resets`} <Time at={resets} />
          </>
        )}
        {` · ${i18n._(effects[standing.on_exceeded])}`}
      </p>
      {standing.state === "within" ? null : <p>{standing.raise}</p>}
    </article>
  );
}
