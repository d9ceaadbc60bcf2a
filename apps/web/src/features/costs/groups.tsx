import type { UsageReport, UsageSums } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { ArrowDown, ArrowUp } from "lucide-react";
import { useMemo, useState } from "react";
import { Button } from "../../ui/button.tsx";
import { type Column, rowLink, Table } from "../../ui/table.tsx";
import { useFigures } from "./format.ts";
import { groupLabels } from "./labels.ts";
import type { CostsSearch } from "./search.ts";

type Row = UsageReport["groups"][number];

/** What it changed against the window before, in words and by how much. */
export function Change({ now, before }: { now: number; before: number }) {
  const { t } = useLingui();
  const { usd, share } = useFigures();
  const [nowText, beforeText] = [usd(now), usd(before)];
  if (before === 0) return now === 0 ? <>{"—"}</> : <span className="text-muted">{t`new`}</span>;
  const part = share(Math.abs(now - before), before);
  const isMore = now > before;
  if (now === before) return <span className="text-muted">{t`unchanged`}</span>;
  const Icon = isMore ? ArrowUp : ArrowDown;
  return (
    <span
      className="inline-flex items-center gap-0.5 whitespace-nowrap"
      title={t`${beforeText} before, ${nowText} now`}
    >
      <Icon size={13} aria-hidden />
      {isMore ? t`${part} more` : t`${part} less`}
    </span>
  );
}

/** Where else to look at what one group has: a model by person, a server by tool. */
const nextOf: Record<UsageReport["group_by"], UsageReport["group_by"]> = {
  server: "tool",
  tool: "person",
  provider: "model",
  model: "person",
  person: "model",
  agent: "model",
  run: "phase",
  phase: "model",
  pull_request: "phase",
  sprint: "pull_request",
  kind: "model",
  source: "agent",
};

export function Groups({
  report,
  search,
  nameOf,
}: {
  report: UsageReport;
  search: CostsSearch;
  nameOf(key: string | null): string;
}) {
  const { t, i18n } = useLingui();
  const [isWhole, setWhole] = useState(false);
  const columns = useColumns(report.group_by, search, nameOf);
  const { groups } = report;
  const all = i18n.number(groups.length);
  return (
    <div className="overflow-x-auto">
      <Table
        label={i18n._(groupLabels[report.group_by])}
        columns={columns}
        rows={isWhole ? groups : groups.slice(0, mostShown)}
        keyOf={({ key }) => JSON.stringify(key)}
      />
      {isWhole || groups.length <= mostShown ? null : (
        <div className="border-t border-line p-3">
          <Button onClick={() => setWhole(true)}>{t`Show all ${all}`}</Button>
        </div>
      )}
    </div>
  );
}

/** Those that cost most; the rest on demand. */
const mostShown = 100;

const right = "text-right tabular-nums max-sm:text-left";

function useColumns(
  group: UsageReport["group_by"],
  search: CostsSearch,
  nameOf: (key: string | null) => string,
): Column<Row>[] {
  const { i18n } = useLingui();
  const costs = useCostColumns();
  const sums = useSumColumns();
  return useMemo(
    () => [
      {
        id: "name",
        header: i18n._(groupLabels[group]),
        value: ({ key }) => nameOf(key),
        cell: ({ key }) =>
          key === null || key === "" ? (
            <span className="text-muted">{nameOf(key)}</span>
          ) : (
            <Link
              {...rowLink}
              to="/costs"
              search={{ ...search, [group]: key, by: nextOf[group] }}
              className="font-medium wrap-anywhere text-text"
            >
              {nameOf(key)}
            </Link>
          ),
      },
      ...costs,
      ...sums,
    ],
    [i18n, group, search, nameOf, costs, sums],
  );
}

function useCostColumns(): Column<Row>[] {
  const { t } = useLingui();
  const { usd } = useFigures();
  return useMemo(
    () => [
      {
        id: "cost",
        header: t`Cost`,
        className: right,
        value: ({ cost_usd }) => cost_usd,
        cell: ({ cost_usd, unpriced_calls, unknown_calls }) => (
          <span className="font-medium whitespace-nowrap" data-usd={cost_usd}>
            {/* Nothing of it has a price: that is not the same as free. */}
            {cost_usd === 0 && unpriced_calls + unknown_calls > 0 ? t`no price` : usd(cost_usd)}
          </span>
        ),
      },
      {
        id: "change",
        header: t`Change`,
        className: right,
        value: ({ cost_usd, cost_usd_before }) => cost_usd - cost_usd_before,
        cell: ({ cost_usd, cost_usd_before }) => <Change now={cost_usd} before={cost_usd_before} />,
      },
    ],
    [t, usd],
  );
}

function useSumColumns(): Column<Row>[] {
  const { t } = useLingui();
  const { count, short, share, ms } = useFigures();
  return useMemo(() => {
    const columns: [id: string, header: string, value: (row: Row) => number, text: (row: Row) => string][] = [
      ["calls", t`Calls`, ({ calls }) => calls, ({ calls }) => count(calls)],
      ["input", t`Tokens in`, inputOf, (row) => short(inputOf(row))],
      [
        "cached",
        t`From cache`,
        ({ cache_read_tokens }) => cache_read_tokens,
        ({ cache_read_tokens }) => short(cache_read_tokens),
      ],
      [
        "output",
        t`Tokens out`,
        ({ output_tokens }) => output_tokens,
        ({ output_tokens }) => short(output_tokens),
      ],
      ["p95", "p95", ({ p95_ms }) => p95_ms ?? -1, ({ p95_ms }) => ms(p95_ms)],
      [
        "errors",
        t`Errors`,
        ({ errors, calls }) => errors / Math.max(1, calls),
        ({ errors, calls }) => share(errors, calls),
      ],
    ];
    return columns.map(([id, header, value, text]) => ({
      id,
      header,
      className: right,
      value,
      cell: (row) => (
        <>
          <span className="text-muted sm:hidden">{header} </span>
          {text(row)}
        </>
      ),
    }));
  }, [t, count, short, share, ms]);
}

const inputOf = (row: UsageSums): number =>
  row.input_tokens + row.cache_write_short_tokens + row.cache_write_long_tokens;
