import { exampleConfiguration, examples } from "../apps/server/src/features/assistant/recognise/examples.ts";
import { unseenExamples } from "../apps/server/src/features/assistant/recognise/examples-unseen.ts";
import { recognise } from "../apps/server/src/features/assistant/recognise/recognise.ts";
import { existsSync, readFileSync } from "node:fs";
import { measureBeside } from "./beside.ts";
import { measureCycles } from "./cycles.ts";
import { measureGateway } from "./gateway.ts";
import { type Figures, rounded, timed } from "./measure.ts";
import { measureLogs } from "./logs.ts";
import { measureModels } from "./models.ts";
import { measureReport } from "./report.ts";
import { measureRepository } from "./repository.ts";
import { measureSandbox } from "./sandbox.ts";
import { measureHistory, measureStart } from "./server.ts";
import { measureUsage } from "./usage.ts";
import { measureWeb } from "./web.ts";

/** What each figure must be; see docs/benchmarks.md. */
const limits: Record<string, { most?: number; least?: number }> = {
  submit_100k_over_1k: { most: 1.5 },
  approve_100k_over_1k: { most: 1.5 },
  submit_over_shell: { most: 4 },
  approve_over_shell: { most: 4 },
  messages_per_s: { least: 1000 },
  changes_p99_ms: { most: 20 },
  audit_verify_events_per_s: { least: 50_000 },
  start_to_healthz_ms: { most: 700 },
  idle_memory_mb: { most: 150 },
  gateway_added_p50_ms: { most: 0.6 },
  gateway_share_of_direct: { least: 0.7 },
  gateway_over_mcp_hub: { least: 2 },
  gateway_memory_growth_200k: { most: 1.1 },
  gateway_list_5000_tools_ms: { most: 15 },
  gateway_list_5000_tools_modern_ms: { most: 15 },
  models_added_p50_ms: { most: 0.3 },
  models_added_over_portkey: { most: 0.5 },
  models_rps_over_portkey: { least: 3 },
  models_cpu_over_portkey: { most: 1 / 3 },
  models_200_streams_peak_mb: { most: 250 },
  budget_check_1m_over_1k: { most: 1.5 },
  budget_read_1m_over_1k: { most: 1.5 },
  usage_report_5m_p95_ms: { most: 150 },
  ingest_lines_per_s: { least: 100_000 },
  claude_logs_over_ccusage: { most: 1 },
  claude_logs_ccusage_over_appended: { least: 20 },
  health_1m_over_1k: { most: 1.5 },
  sandboxed_start_over_plain: { most: 1.15 },
  cycle_overhead_s: { most: 2 },
  cycle_agent_over_bare: { most: 1.1 },
  cycle_tokens_over_bare: { most: 1, least: 1 },
  cycle_100k_files_adds_s: { most: 5 },
  cycle_false_greens_share: { most: 0 },
  cycles_20_peak_mb: { most: 1000 },
  npm_test_s: { most: 240 },
  web_first_paint_ms: { most: 1000 },
  web_sign_in_script_kb: { most: 180 },
};

async function measureRecognition(): Promise<Figures> {
  const sentences = [...examples, ...unseenExamples].map(({ says }) => says);
  const passes = 30;
  const { ms } = await timed(() => {
    for (let pass = 0; pass < passes; pass += 1) {
      for (const says of sentences) recognise(says, exampleConfiguration);
    }
  });
  return { messages_per_s: (passes * sentences.length) / (ms / 1000) };
}

/** Seconds of the last whole `npm test` of this checkout; nothing where there was none. 394 before the suite was cut. */
function lastTestRun(): Figures {
  const file = new URL("../.artifacts/seconds.txt", import.meta.url);
  return existsSync(file) ? { npm_test_s: Number(readFileSync(file, "utf8")), npm_test_before_s: 394 } : {};
}

const measurements: readonly (() => Figures | Promise<Figures>)[] = [
  measureStart,
  measureRecognition,
  measureHistory,
  measureRepository,
  measureWeb,
  measureGateway,
  measureModels,
  measureUsage,
  measureReport,
  measureLogs,
  measureSandbox,
  measureCycles,
  lastTestRun,
];

/** All figures; what cannot be measured is said, fails the run, and takes no other figure with it. */
async function measureAll(): Promise<Figures> {
  const figures: Figures = {};
  for (const measure of measurements) {
    try {
      Object.assign(figures, await measure());
    } catch (error) {
      console.error(`${measure.name} failed:`, error);
      process.exitCode = 1;
    }
  }
  return figures;
}

const beside = process.argv.indexOf("--beside");
const other = process.argv[beside + 1];
if (beside >= 0 && other === undefined)
  throw new Error("--beside takes the folder of another checkout, installed and built");
const figures = rounded(beside < 0 ? await measureAll() : await measureBeside(other ?? ""));
for (const [name, value] of Object.entries(figures)) {
  const { most, least } = limits[name] ?? {};
  const met = (most === undefined || value <= most) && (least === undefined || value >= least);
  const bound = most !== undefined ? `≤ ${most}` : least !== undefined ? `≥ ${least}` : "";
  console.log(`${name.padEnd(28)} ${String(value).padStart(10)}  ${bound}${met ? "" : "  MISSED"}`);
}
console.log(JSON.stringify(figures));
