import { sql } from "kysely";
import type { Queries } from "../../db/dialect.ts";
import { rollupSums } from "../../db/usage-schema.ts";
import { allSums, type Filter, iso, keptParts, sumsOfCalls, where } from "./store.ts";
import type { Range } from "./windows.ts";

type Sum = (typeof rollupSums)[number];

/** What one subject used in a UTC day, or in the part of one that is asked for. */
export type Charge = Readonly<Record<Sum, number>> & {
  /** ISO 8601 UTC; `to` is no part of it. */
  from: string;
  to: string;
  kind: "tool" | "model";
  source: string;
  server: string | null;
  tool: string | null;
  method: string | null;
  provider: string | null;
  model: string | null;
  person: string | null;
  agent: string | null;
  run: string | null;
  phase: string | null;
  pull_request: string | null;
  sprint: string | null;
};

type Row = Record<Sum, number | string | null> & {
  period: string;
  kind: "tool" | "model";
  actor_name: string | null;
} & Omit<Charge, Sum | "from" | "to" | "person">;

const subject = sql.raw(
  [
    "kind",
    "source",
    "server",
    "tool",
    "method",
    "provider",
    "model",
    "actor_name",
    "agent",
    "run",
    "phase",
    "pull_request",
    "sprint",
  ]
    .map((name) => `s.${name}`)
    .join(", "),
);

const lengths = { usage_days: 10, usage_hours: 13 } as const;

/** Charges of a stretch of time, in its order. Their sum is that of a report of the same time. */
export async function chargesIn(queries: Queries, range: Range, filter: Filter): Promise<Charge[]> {
  const { days, hours, calls } = await keptParts(queries, range);
  const charges: Charge[] = [];
  const rolled = async (table: keyof typeof lengths, part: Range): Promise<void> => {
    const length = lengths[table];
    const { rows } =
      await sql<Row>`select r.period as period, ${subject}, ${allSums} from ${sql.table(table)} r
      join usage_subjects s on s.id = r.subject_id
      where r.period >= ${iso(part.from).slice(0, length)} and r.period < ${iso(part.to).slice(0, length)}
        and ${where(filter)} group by r.period, ${subject}`.execute(queries);
    const ms = table === "usage_days" ? 24 * 3_600_000 : 3_600_000;
    for (const row of rows) {
      const from = Date.parse(row.period.length === 10 ? row.period : `${row.period}:00:00.000Z`);
      charges.push(chargeOf(row, { from, to: from + ms }));
    }
  };
  for (const part of days) await rolled("usage_days", part);
  for (const part of hours) await rolled("usage_hours", part);
  for (const part of calls) {
    const { rows } = await sql<Row>`select ${subject}, ${sumsOfCalls} from usage_events r
      join usage_subjects s on s.id = r.subject_id
      where r.at >= ${iso(part.from)} and r.at < ${iso(part.to)} and r.replaced_by is null
        and ${where(filter)} group by ${subject}`.execute(queries);
    charges.push(...rows.map((row) => chargeOf(row, part)));
  }
  return charges
    .filter((charge) => charge.calls > 0)
    .toSorted((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : b.cost_nano_usd - a.cost_nano_usd));
}

function chargeOf(row: Row, { from, to }: Range): Charge {
  const sums = Object.fromEntries(rollupSums.map((name) => [name, Number(row[name] ?? 0)])) as Record<
    Sum,
    number
  >;
  const { kind, source, server, tool, method, provider, model, agent, run, phase, pull_request, sprint } =
    row;
  return {
    from: iso(from),
    to: iso(to),
    kind,
    source,
    server,
    tool,
    method,
    provider,
    model,
    person: row.actor_name,
    agent,
    run,
    phase,
    pull_request,
    sprint,
    ...sums,
  };
}
