import {
  type Reconciliation,
  type UsageReport,
  type UsageSums,
  usageBuckets,
  usageGroups,
} from "@ciclo/contract";
import { connect } from "./client.ts";
import { type Command, command, type Io, option, UsageError } from "./command.ts";

/** As the page rounds them. */
const cents = new Intl.NumberFormat("en", {
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
  useGrouping: false,
});
const usd = (value: number): string =>
  value !== 0 && Math.abs(value) < 0.01 ? value.toPrecision(2) : cents.format(value);
/** What nothing is known of is not free. */
const costIn = ({ cost_usd, unpriced_calls, unknown_calls }: UsageSums): string =>
  cost_usd === 0 && unpriced_calls + unknown_calls > 0 ? "no price" : usd(cost_usd);
const seconds = (ms: number | null): string =>
  ms === null ? "—" : Math.round(ms) < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
const share = (part: number, all: number): string =>
  all === 0 ? "—" : `${((100 * part) / all).toFixed(1)} %`;

const columns = "USD,before,calls,tokens in,cached,tokens out,p50,p95,errors,refused".split(",");

const cells = (name: string, sums: UsageSums, before: number): string[] => [
  name,
  costIn(sums),
  usd(before),
  String(sums.calls),
  String(sums.input_tokens + sums.cache_write_short_tokens + sums.cache_write_long_tokens),
  String(sums.cache_read_tokens),
  String(sums.output_tokens),
  seconds(sums.p50_ms),
  seconds(sums.p95_ms),
  share(sums.errors, sums.calls),
  share(sums.refused, sums.calls),
];

/** Names come from outside: none may look like a line of its own, or like one of the table's own words. */
const nameOf = (key: string | null): string =>
  key === null ? "—" : /[\r\n]|^(?:total|—|\s*)$/.test(key) ? JSON.stringify(key) : key;

function table(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => (row[index] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, index) =>
        index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
}

const moved = ({ key, cost_usd: now, cost_usd_before: was }: UsageReport["movers"][number]): string =>
  `${nameOf(key)} ${now < was ? "−" : "+"}${usd(Math.abs(now - was))} USD`;

function showReport(report: UsageReport, io: Io): string[] {
  const { total, before, groups, group_by } = report;
  const [head = "", ...rest] = table([
    [group_by, ...columns],
    ...groups.map(({ key, cost_usd_before, ...sums }) => cells(nameOf(key), sums, cost_usd_before)),
    cells("total", total, before.cost_usd),
  ]);
  const missing = [
    ...(total.unpriced_calls > 0 ? [`without a known price, not in the sum: ${total.unpriced_calls}`] : []),
    ...(total.unknown_calls > 0 ? [`of unknown use, not in the sum: ${total.unknown_calls}`] : []),
    ...(total.estimated_calls > 0 ? [`estimated: ${total.estimated_calls}`] : []),
    ...report.known_gaps.map(({ agent, text }) => `${agent}: ${text}`),
  ];
  return [
    io.paint("dim", `${report.from} – ${report.to} (${report.tz})`),
    io.paint("bold", head),
    ...rest,
    ...(report.movers.length === 0 ? [] : [`changed most: ${report.movers.map(moved).join(", ")}`]),
    ...missing.map((line) => io.paint("yellow", line)),
    ...report.series.map(({ start, cost_usd, calls }) => `${start}  ${usd(cost_usd)} USD  ${calls} calls`),
  ];
}

const filters = [
  "server",
  "tool",
  "provider",
  "model",
  "person",
  "agent",
  "run",
  "phase",
  "pull-request",
  "sprint",
  "source",
] as const;

export const usageCommands: Command[] = [
  command({
    name: "usage",
    usage:
      "ciclo usage [--group-by G] [--from DAY] [--to DAY] [--tz ZONE] [--bucket hour|day|week|month] [--model M] [--person P] …",
    summary: `What calls of models and tools used and cost. Groups: ${usageGroups.join(", ")}.`,
    examples: [
      "ciclo usage",
      "ciclo usage --group-by person --from 2026-11-01 --to 2026-11-30 --tz America/Sao_Paulo",
      "ciclo usage --group-by model --bucket day --json",
    ],
    options: {
      "group-by": { type: "string" },
      from: { type: "string" },
      to: { type: "string" },
      tz: { type: "string" },
      bucket: { type: "string" },
      kind: { type: "string" },
      ...Object.fromEntries(filters.map((name) => [name, { type: "string" as const }])),
    },
    takes: { min: 0, max: 0 },
    async run({ values }) {
      const group = option(values, "group-by") ?? "model";
      const group_by = usageGroups.find((one) => one === group.replaceAll("-", "_"));
      if (group_by === undefined)
        throw new UsageError(`--group-by ${group}: there are: ${usageGroups.join(", ")}`);
      const wanted = option(values, "bucket");
      const bucket = usageBuckets.find((one) => one === wanted);
      if (wanted !== undefined && bucket === undefined)
        throw new UsageError(`--bucket ${wanted}: there are: ${usageBuckets.join(", ")}`);
      const kind = option(values, "kind");
      if (kind !== undefined && kind !== "tool" && kind !== "model")
        throw new UsageError(`--kind ${kind}: there are: tool, model`);
      const said = Object.fromEntries(
        (["from", "to", "tz", ...filters] as const).flatMap((name) => {
          const value = option(values, name);
          return value === undefined ? [] : [[name.replaceAll("-", "_"), value]];
        }),
      );
      return await connect().call("getUsage", {
        query: {
          group_by,
          tz: "UTC",
          ...(bucket === undefined ? {} : { bucket }),
          ...(kind === undefined ? {} : { kind }),
          ...said,
        },
      });
    },
    show: showReport,
  }),
  command({
    name: "usage reprice",
    usage: "ciclo usage reprice --from DAY --to DAY [--all] [--apply] [--tz ZONE]",
    summary:
      "Give calls that had no price (--all: every call that a price table or a row priced) the prices that hold now. Says what would change; --apply changes it, and the audit log says so.",
    examples: [
      "ciclo usage reprice --from 2026-11-01 --to 2026-11-30",
      "ciclo usage reprice --from 2026-11-01 --to 2026-11-30 --apply",
    ],
    options: {
      from: { type: "string" },
      to: { type: "string" },
      tz: { type: "string" },
      all: { type: "boolean" },
      apply: { type: "boolean" },
    },
    takes: { min: 0, max: 0 },
    async run({ values }) {
      const [from, to] = [option(values, "from"), option(values, "to")];
      if (from === undefined || to === undefined) throw new UsageError("--from and --to are required");
      return await connect().call("reprice", {
        body: {
          from,
          to,
          tz: option(values, "tz") ?? "UTC",
          only: values["all"] === true ? "all" : "unpriced",
          dry_run: values["apply"] !== true,
        },
      });
    },
    show: ({ calls, usd_before, usd_after, dry_run }) => [
      `${calls} calls: ${usd(usd_before)} USD before, ${usd(usd_after)} USD now${dry_run ? " (nothing is changed; --apply does it)" : ""}`,
    ],
  }),
  command({
    name: "usage reconcile",
    usage: "ciclo usage reconcile INVOICE.csv --provider P --from DAY --to DAY [--tz ZONE]",
    summary:
      "A provider's invoice beside the ledger, model by model, and what may explain a difference. Takes the CSV that the provider exports, or one with the columns model and usd.",
    examples: ["ciclo usage reconcile invoice.csv --provider openai --from 2026-11-01 --to 2026-11-30"],
    options: {
      provider: { type: "string" },
      from: { type: "string" },
      to: { type: "string" },
      tz: { type: "string" },
    },
    takes: { min: 1, max: 1 },
    async run({ positionals: [file = ""], values, io }) {
      const needed = (name: string): string => {
        const value = option(values, name);
        if (value === undefined) throw new UsageError(`--${name} is required`);
        return value;
      };
      return await connect().call("reconcile", {
        body: {
          provider: needed("provider"),
          from: needed("from"),
          to: needed("to"),
          tz: option(values, "tz") ?? "UTC",
          csv: await io.readFile(file),
        },
      });
    },
    show: showReconciliation,
  }),
];

function showReconciliation({ models, total, provider, from, to }: Reconciliation, io: Io): string[] {
  const row = (name: string, of: Reconciliation["total"]): string[] => [
    name,
    usd(of.ledger_usd),
    usd(of.invoice_usd),
    usd(of.difference_usd),
    String(of.calls),
  ];
  const [head = "", ...rest] = table([
    [provider, "ledger USD", "invoice USD", "difference", "calls"],
    ...models.map(({ model, ...of }) => row(nameOf(model), of)),
    row("total", total),
  ]);
  return [
    io.paint("dim", `${from} – ${to}`),
    io.paint("bold", head),
    ...rest,
    ...models.flatMap(({ model, reasons }) =>
      reasons.map((reason) => io.paint("yellow", `${nameOf(model)}: ${reason}`)),
    ),
  ];
}
