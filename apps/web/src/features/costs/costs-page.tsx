import { type UsageGroup, usageGroups, type UsageReport } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Download, X } from "lucide-react";
import { useCallback, useEffect, useRef, useState } from "react";
import { addressOf, download } from "../../api.ts";
import { describeProblem } from "../../problems.ts";
import { Button } from "../../ui/button.tsx";
import { SelectField, TextField } from "../../ui/field.tsx";
import { Menu } from "../../ui/menu.tsx";
import { PageHeader, Panel } from "../../ui/page.tsx";
import { Empty, Note, Problem, Skeleton } from "../../ui/states.tsx";
import { useToast } from "../../ui/toast.tsx";
import { Budgets } from "./budgets.tsx";
import { SpendChart } from "./chart.tsx";
import { Figures, Movers } from "./figures.tsx";
import { useFigures } from "./format.ts";
import { Groups } from "./groups.tsx";
import { groupLabels, nameLabels, periodLabels } from "./labels.ts";
import { daysOf, defaults, reportQuery, usageQueryOf } from "./queries.ts";
import { PausedRuns } from "./paused-runs.tsx";
import { type CostsSearch, periods } from "./search.ts";
import { ReconcileDialog } from "./reconcile-dialog.tsx";
import { Sources } from "./sources.tsx";

type Props = { search: CostsSearch; onSearch(search: CostsSearch): void };

/** Spend against budget; then what it was spent on. */
export function CostsPage({ search, onSearch }: Props) {
  const { t } = useLingui();
  const [isChecking, setChecking] = useState(false);
  return (
    <>
      <PageHeader
        title={t`Costs`}
        lead={t`What calls of models and tools cost, counted at the wire where they pass the console.`}
        actions={
          <>
            <Button onClick={() => setChecking(true)}>{t`Check an invoice…`}</Button>
            <Export search={search} />
          </>
        }
      />
      {isChecking ? <ReconcileDialog {...daysOf("last_month")} onClose={() => setChecking(false)} /> : null}
      <PausedRuns />
      <Budgets />
      <Choices search={search} onSearch={onSearch} />
      <Report search={search} onSearch={onSearch} />
    </>
  );
}

/** The same report, to keep or to go on with elsewhere. */
function Export({ search }: { search: CostsSearch }) {
  const { t } = useLingui();
  const query = new URLSearchParams(Object.entries(usageQueryOf(search))).toString();
  const toast = useToast();
  // As a request of the page: a plain link would be answered in the browser's language, not in the one chosen here.
  const save = (path: string, name: string) => (): void => {
    download(`${path}?${query}`, name).catch((error: unknown) =>
      toast(t`Nothing was saved`, describeProblem(error, t).title),
    );
  };
  return (
    <Menu
      trigger={<Button icon={<Download size={16} aria-hidden />}>{t`Export`}</Button>}
      entries={[
        { kind: "action", label: "CSV", onSelect: save(addressOf("exportUsage"), "ciclo-usage.csv") },
        { kind: "action", label: "JSON", onSelect: save(addressOf("getUsage"), "ciclo-usage.json") },
        {
          kind: "action",
          label: t`Page (HTML)`,
          onSelect: save(addressOf("exportUsagePage"), "ciclo-usage.html"),
        },
        {
          kind: "action",
          label: "FOCUS 1.3 (CSV)",
          onSelect: save(addressOf("exportFocus"), "ciclo-focus.csv"),
        },
      ]}
    />
  );
}

function Choices({ search, onSearch }: Props) {
  const { t, i18n } = useLingui();
  const isCustom = search.from !== undefined || search.to !== undefined;
  const days = daysOf(search.period ?? defaults.period);
  const { from: _, to: __, ...rest } = search;
  const narrowed = usageGroups.filter((group) => search[group] !== undefined);
  const section = useRef<HTMLElement>(null);
  const shown = JSON.stringify(search);
  const before = useRef(shown);
  // What was chosen may be gone with the choice: focus goes on from here.
  useEffect(() => {
    if (before.current === shown) return;
    before.current = shown;
    if (document.activeElement === document.body) section.current?.focus({ preventScroll: true });
  });
  return (
    <section
      ref={section}
      tabIndex={-1}
      aria-label={t`What is shown`}
      className="flex flex-col gap-3 outline-none"
    >
      <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-4">
        <SelectField
          label={t`Period`}
          value={isCustom ? "custom" : (search.period ?? defaults.period)}
          options={[
            ...periods.map((period) => ({ value: period, label: i18n._(periodLabels[period]) })),
            { value: "custom", label: t`Days of your own…` },
          ]}
          onChange={({ target: { value } }) => {
            const period = periods.find((one) => one === value);
            onSearch(period === undefined ? { ...search, ...days } : { ...rest, period });
          }}
        />
        <SelectField
          label={t`By`}
          value={search.by ?? defaults.by}
          options={usageGroups.map((group) => ({ value: group, label: i18n._(groupLabels[group]) }))}
          onChange={({ target: { value } }) => {
            const by = usageGroups.find((group) => group === value) ?? defaults.by;
            onSearch({ ...search, by });
          }}
        />
        {isCustom ? (
          <>
            <DayField
              label={t`From`}
              day={search.from ?? days.from}
              onChange={(from) => onSearch({ ...search, from })}
            />
            <DayField
              label={t`To, included`}
              day={search.to ?? days.to}
              onChange={(to) => onSearch({ ...search, to })}
            />
          </>
        ) : null}
      </div>
      {narrowed.length === 0 ? null : (
        <ul aria-label={t`Narrowed down to`} className="flex flex-wrap gap-2">
          {narrowed.map((group) => (
            <li key={group}>
              <Narrowed group={group} search={search} onSearch={onSearch} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Narrowed({ group, search, onSearch }: Props & { group: UsageGroup }) {
  const { t, i18n } = useLingui();
  const { [group]: value = "", ...rest } = search;
  const name = i18n._(groupLabels[group]);
  const nameOf = useNameOf(group);
  return (
    <Button
      small
      icon={<X size={14} aria-hidden />}
      aria-label={t`Remove ${name} ${value}`}
      onClick={() => onSearch(rest)}
    >
      <span className="max-w-80 truncate">{`${name}: ${nameOf(value)}`}</span>
    </Button>
  );
}

/** A day, taken when the field is left or Enter pressed: a year is typed digit by digit. */
function DayField({ label, day, onChange }: { label: string; day: string; onChange(day: string): void }) {
  const [[typed, of], setTyped] = useState([day, day]);
  // Another choice than this field's may have changed the day.
  if (of !== day) setTyped([day, day]);
  const take = (): void => {
    if (typed !== day && typed !== "") onChange(typed);
  };
  return (
    <TextField
      label={label}
      type="date"
      value={typed}
      onChange={(event) => setTyped([event.target.value, day])}
      onBlur={take}
      onKeyDown={(event) => {
        if (event.key === "Enter") take();
      }}
    />
  );
}

/** How a group is called: words of the console in its language, all else as it is. */
function useNameOf(group: UsageGroup): (key: string | null) => string {
  const { t, i18n } = useLingui();
  return useCallback(
    (key) => {
      if (key === null || key === "") return t`none named`;
      if (key.trim() === "") return JSON.stringify(key);
      const label = nameLabels[group]?.[key];
      return label === undefined ? key : i18n._(label);
    },
    [t, i18n, group],
  );
}

function Report({ search, onSearch }: Props) {
  const { t, i18n } = useLingui();
  const query = usageQueryOf(search);
  const { data: report, error, isPending, refetch } = useQuery(reportQuery(query));
  const nameOf = useNameOf(query.group_by);
  const figures = useFigures();
  if (isPending) return <Skeleton rows={4} height={110} />;
  if (report === undefined) return <Problem error={error} onRetry={() => void refetch()} />;
  const [spent, calls] = [figures.usd(report.total.cost_usd), figures.count(report.total.calls)];
  const isNarrowed = usageGroups.some((group) => search[group] !== undefined);
  if (report.total.calls === 0 && (isNarrowed || report.before.calls > 0))
    return (
      <Empty
        title={t`No call fits`}
        action={<Button onClick={() => onSearch({})}>{t`Show all calls of the last 30 days`}</Button>}
      >
        {t`There is none in this time and with these names. The first day must not be after the last.`}
      </Empty>
    );
  if (report.total.calls === 0)
    return (
      <Empty title={t`No calls in this period`}>
        {t`Calls through the gateway are counted automatically. Set agents up to call models through the console with: ciclo llm client claude-code`}
      </Empty>
    );
  return (
    <>
      <p role="status" className="sr-only">
        {t`${spent} in ${calls} calls`}
      </p>
      <Figures report={report} />
      <Movers report={report} nameOf={nameOf} />
      <Missing report={report} />
      <Panel title={t`Spend over time`}>
        <SpendChart report={report} bucket={query.bucket ?? "day"} nameOf={nameOf} />
      </Panel>
      <Panel flush title={t`By ${i18n._(groupLabels[report.group_by])}`}>
        <Groups report={report} search={search} nameOf={nameOf} />
      </Panel>
      <Sources query={query} />
    </>
  );
}

/** What the sum leaves out, so that nobody takes it for all. */
function Missing({ report: { total, known_gaps: gaps } }: { report: UsageReport }) {
  const { t, i18n } = useLingui();
  const count = (value: number): string => i18n.number(value);
  const [unpriced, unknown] = [count(total.unpriced_calls), count(total.unknown_calls)];
  const said = [
    total.unpriced_calls > 0
      ? t`Calls without a known price: ${unpriced}. Plan a row in policies/prices.yaml.`
      : null,
    total.unknown_calls > 0 ? t`Calls of which nobody knows what they used: ${unknown}.` : null,
    ...gaps.map(({ agent, text }) => `${agent}: ${text}`),
  ].filter((line) => line !== null);
  if (said.length === 0) return null;
  return (
    <Note tone={total.unpriced_calls + total.unknown_calls > 0 ? "warn" : "neutral"}>
      <p className="font-semibold">{t`Not in the sum`}</p>
      <ul>
        {said.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </Note>
  );
}
