import type { Generated } from "kysely";

/** What calls have in common that reports are grouped by: each combination once. */
export type UsageSubjectTable = {
  id: Generated<number>;
  /** SHA-256 of the other columns. */
  hash: string;
  kind: string;
  source: string;
  server: string | null;
  tool: string | null;
  method: string | null;
  era: string | null;
  provider: string | null;
  model: string | null;
  actor_id: string | null;
  actor_name: string | null;
  agent: string | null;
  agent_version: string | null;
  run: string | null;
  phase: string | null;
  pull_request: string | null;
  sprint: string | null;
};

/** One call. Its figures never change: a row that another takes the place of is marked, and stays. */
export type UsageEventTable = {
  id: Generated<number>;
  /** Unique: a call that is reported again is not counted again. A row that was replaced has its id behind it. */
  key: string;
  at: string;
  subject_id: number;
  session: string | null;
  operation: string | null;
  attempt: Generated<number>;
  status: string;
  error: string | null;
  ms: number | null;
  request_bytes: Generated<number>;
  response_bytes: Generated<number>;
  /** Tokens; input and output are null where it is not known how many. */
  input: number | null;
  cache_read: Generated<number>;
  cache_write_short: Generated<number>;
  cache_write_long: Generated<number>;
  output: number | null;
  reasoning: Generated<number>;
  web_searches: Generated<number>;
  /** Tokens that are audio or images made. */
  other_modality: Generated<number>;
  /** The model that answered, where it is not the one that was asked for. */
  answered_by: string | null;
  tier: string | null;
  /** Null where no price is known. */
  cost_nano_usd: number | null;
  cost_source: string;
  /** Of the price: the table's name and version, or the row of the configuration. */
  price_version: string | null;
  replaced_by: number | null;
};

/** Other names of a call, by which other sources know it. */
type UsageAliasTable = { alias: string; key: string; at: string };

/** Columns of roll-ups that are numbers and add up. Latencies are counted by the first bound that they do not exceed. */
export const rollupSums = [
  "calls",
  "errors",
  "refused",
  "unpriced",
  "unknown",
  "estimated",
  "input",
  "cache_read",
  "cache_write_short",
  "cache_write_long",
  "output",
  "reasoning",
  "web_searches",
  "cost_nano_usd",
  "ms_1",
  "ms_2",
  "ms_5",
  "ms_10",
  "ms_20",
  "ms_50",
  "ms_100",
  "ms_200",
  "ms_500",
  "ms_1000",
  "ms_2000",
  "ms_5000",
  "ms_10000",
  "ms_20000",
  "ms_50000",
  "ms_100000",
  "ms_more",
] as const;

/** Usage by UTC hour (`2026-11-27T15`) or day (`2026-11-27`) and subject. Outlives its events. */
export type UsageRollupTable = { period: string; subject_id: number } & Record<
  (typeof rollupSums)[number],
  number
>;

/** Up to where a log file has been read, on the machine that has it. */
export type LogFileTable = {
  /** Host name and path. */
  id: string;
  /** `telemetry`, or the agent whose log it is. */
  source: string;
  path: string;
  head: string;
  head_bytes: number;
  byte_offset: number;
  lines: number;
  bad: number;
  /** Calls that are older than calls are kept. */
  too_old: number;
  context: string;
  read_at: string;
};

/** What a limit of a budget counts, for a holder and a stretch of time. In the limit's unit: billionths of a dollar, or tokens. */
type BudgetPurseTable = {
  /** See `purseId`. */
  id: string;
  meter_id: string;
  spent: number;
  /** The sum of its leases. */
  reserved: number;
  /** Of a rolling window: what was spent by slot of time. */
  slots: string;
  ends_at: string | null;
  /** The limit, and which parts of it have been reported: `1000000000 0.5 0.8`. */
  told: Generated<string>;
};

/** What a node may spend of a purse without asking again. */
type BudgetLeaseTable = { purse_id: string; node: string; amount: number; expires_at: string };

/** A run that used up a limit. Amounts in billionths of a dollar, or tokens. */
export type RunPauseTable = {
  id: string;
  /** Whose run it is and which limit: of several pauses the one that counts has it, the others have null. */
  current: string | null;
  run: string;
  actor_id: string | null;
  actor_name: string;
  /** What the limit counts, as JSON: see `Meter`; with whose purse it is. */
  meter: string;
  policy: string;
  unit: string;
  /** Whom its call asked for which model; null where it called a tool. */
  provider: string | null;
  model: string | null;
  spent: number;
  of_amount: number;
  paused_at: string;
  /** `waiting`, `raised`, `rerouted`, `stopped`. */
  state: string;
  to_model: string | null;
  /** What the run may spend beyond the limit, and what counts that, as JSON. */
  extra: number | null;
  extra_meter: string | null;
  decided_by: string | null;
  decided_at: string | null;
  note: string | null;
};

export type UsageTables = {
  run_pauses: RunPauseTable;
  budget_purses: BudgetPurseTable;
  budget_leases: BudgetLeaseTable;
  /** What is counted, as JSON: see `Meter`. */
  budget_meters: { id: string; meter: string };
  usage_events: UsageEventTable;
  usage_subjects: UsageSubjectTable;
  usage_aliases: UsageAliasTable;
  /** One row: calls from before this time have been deleted, and would not be known again. */
  usage_purge: { id: number; before: string };
  webhooks: { id: string; seq: number; busy_until: string };
  log_files: LogFileTable;
  usage_hours: UsageRollupTable;
  usage_days: UsageRollupTable;
};
