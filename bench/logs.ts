import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApp } from "../apps/server/src/app.ts";
import { readConfig } from "../apps/server/src/config.ts";
import { openSqliteDatabase } from "../apps/server/src/db/dialect.ts";
import { createLogger } from "../apps/server/src/lib/logger.ts";
import { type Figures, timed } from "./measure.ts";

const ccusageVersion = "20.0.24";
const telemetryLines = 500_000;
/** Of Claude Code's logs: so many files of so many turns are 1 GB. */
const files = 200;
const turns = 840;
const appendedTurns = 160;

type Tokens = { input: number; write: number; read: number; output: number };

/** Logs that are taken in: telemetry by lines a second, and Claude Code's beside `ccusage`, which reads the same. */
export async function measureLogs(): Promise<Figures> {
  return { ...(await measureTelemetry()), ...(await measureClaude()) };
}

async function measureTelemetry(): Promise<Figures> {
  const home = mkdtempSync(join(tmpdir(), "ciclo-bench-telemetry-"));
  try {
    const logs = join(home, "logs");
    mkdirSync(join(logs, "glm46"), { recursive: true });
    writeTelemetry(join(logs, "glm46", "2026-11.jsonl"));
    const { app, close } = await consoleIn(home, { CICLO_MCP_LOGS: logs });
    const { ms } = await timed(async () => {
      await app.features.ingest.service.read();
      await app.features.usage.service.ledger.flush();
    });
    const { calls } = await sumsOf(app);
    await close();
    if (calls !== telemetryLines) throw new Error(`of ${telemetryLines} lines ${calls} were taken in`);
    return { ingest_lines_per_s: telemetryLines / (ms / 1000) };
  } finally {
    rmSync(home, { recursive: true });
  }
}

async function measureClaude(): Promise<Figures> {
  const home = mkdtempSync(join(tmpdir(), "ciclo-bench-claude-"));
  try {
    const folder = join(home, "claude");
    const logs = new ClaudeLogs(folder);
    for (let file = 0; file < files; file += 1) logs.write(file, turns);
    const peer = installPeer(home);
    const { app, close } = await consoleIn(home, {
      CICLO_AGENT_LOGS: `claude-code=${folder}`,
    });
    const read = async (): Promise<number> => {
      const { ms } = await timed(async () => {
        await app.features.ingest.service.read();
        await app.features.usage.service.ledger.flush();
      });
      expectEqual("the console", (await sumsOf(app)).tokens, logs.truth);
      return ms;
    };
    const readByPeer = async (): Promise<number> => {
      const { ms, result } = await timed(() => peer(folder));
      expectEqual("ccusage", result, logs.truth);
      return ms;
    };
    // What is in the memory of the machine is so for both.
    await readByPeer();
    const theirs = await readByPeer();
    const ours = await read();
    logs.write(0, appendedTurns);
    const theirsAgain = await readByPeer();
    const oursAgain = await read();
    await close();
    return {
      claude_logs_mb: logs.bytes / 1_048_576,
      claude_logs_s: ours / 1000,
      claude_logs_ccusage_s: theirs / 1000,
      claude_logs_over_ccusage: ours / theirs,
      claude_logs_appended_ms: oursAgain,
      claude_logs_appended_ccusage_ms: theirsAgain,
      claude_logs_ccusage_over_appended: theirsAgain / oursAgain,
    };
  } finally {
    rmSync(home, { recursive: true });
  }
}

async function consoleIn(home: string, settings: Record<string, string>) {
  const database = await openSqliteDatabase(join(home, "ciclo.db"));
  const config = readConfig({ CICLO_HOME: home, CICLO_LOG_LEVEL: "silent", ...settings });
  const app = await createApp({ config, database, logger: createLogger("silent") });
  return { app: { ...app, database }, close: () => database.close() };
}

async function sumsOf({
  database,
}: Awaited<ReturnType<typeof consoleIn>>["app"]): Promise<{ calls: number; tokens: Tokens }> {
  const sums = await database.queries
    .selectFrom("usage_events")
    .select(({ fn }) => [
      fn.countAll<number>().as("calls"),
      fn.sum<number>("input").as("input"),
      fn.sum<number>("cache_write_short").as("write"),
      fn.sum<number>("cache_read").as("read"),
      fn.sum<number>("output").as("output"),
    ])
    .where("replaced_by", "is", null)
    .executeTakeFirstOrThrow();
  const { calls, ...tokens } = sums;
  return { calls, tokens };
}

function expectEqual(who: string, found: Tokens, truth: Tokens): void {
  const [said, meant] = [found, truth].map(({ input, write, read, output }) =>
    [input, write, read, output].join(" "),
  );
  if (said !== meant) throw new Error(`${who} counted ${said}, and the logs hold ${meant}`);
}

/** ccusage from npm in a folder of its own. */
function installPeer(home: string): (folder: string) => Tokens {
  const install = ["install", "--no-audit", "--no-fund", "--silent", `ccusage@${ccusageVersion}`];
  const at = join(home, "peer");
  mkdirSync(at);
  if (spawnSync("npm", install, { cwd: at, shell: false }).status !== 0)
    throw new Error("ccusage could not be installed");
  return (folder) => {
    const { stdout, status, stderr } = spawnSync(
      join(at, "node_modules/.bin/ccusage"),
      ["claude", "daily", "--json", "--offline"],
      { env: { ...process.env, CLAUDE_CONFIG_DIR: folder, HOME: home }, maxBuffer: 1e8 },
    );
    if (status !== 0) throw new Error(`ccusage failed: ${String(stderr)}`);
    const { totals } = JSON.parse(String(stdout)) as { totals: Record<string, number> };
    return {
      input: totals["inputTokens"] ?? 0,
      write: totals["cacheCreationTokens"] ?? 0,
      read: totals["cacheReadTokens"] ?? 0,
      output: totals["outputTokens"] ?? 0,
    };
  };
}

const startMs = Date.parse("2026-09-01T00:00:00.000Z");

function writeTelemetry(path: string): void {
  const file = openSync(path, "w");
  for (let from = 0; from < telemetryLines; from += 10_000)
    writeSync(
      file,
      Array.from({ length: 10_000 }, (_, index) => {
        const n = from + index;
        return `${JSON.stringify({
          ts: new Date(startMs + n * 1000).toISOString(),
          tool: "glm46.chat",
          route: n % 3 === 0 ? "planner" : "executor",
          tokens_in: 900 + (n % 100),
          tokens_out: 100 + (n % 10),
          cost_estimated_usd: 0.0009,
          duration_ms: 800 + (n % 400),
          status: "success",
          metadata: { provider: "zai", model: "glm-4.6", response_id: `r-${n}` },
        })}\n`;
      }).join(""),
    );
  closeSync(file);
}

/** Logs as Claude Code writes them: what tools answered, and a line for each block of an answer. */
class ClaudeLogs {
  readonly truth: Tokens = { input: 0, write: 0, read: 0, output: 0 };
  bytes = 0;
  readonly #folder: string;
  readonly #turns = new Map<number, number>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Appends turns to one session's file. */
  write(session: number, count: number): void {
    const folder = join(this.#folder, "projects", `-home-dev-project-${session % 10}`);
    mkdirSync(folder, { recursive: true });
    const id = `00000000-0000-4000-8000-${String(session).padStart(12, "0")}`;
    const first = this.#turns.get(session) ?? 0;
    const lines = Array.from({ length: count }, (_, index) => this.#turn(session, id, first + index)).join(
      "",
    );
    this.#turns.set(session, first + count);
    const file = openSync(join(folder, `${id}.jsonl`), "a");
    this.bytes += writeSync(file, lines);
    closeSync(file);
  }

  #turn(session: number, id: string, turn: number): string {
    const usage = {
      input_tokens: 10 + (turn % 7),
      cache_creation_input_tokens: 500 + (turn % 90),
      cache_read_input_tokens: 20_000 + turn * 10,
      output_tokens: 200 + (turn % 50),
      server_tool_use: { web_search_requests: 0, web_fetch_requests: 0 },
      service_tier: "standard",
      cache_creation: { ephemeral_1h_input_tokens: 0, ephemeral_5m_input_tokens: 500 + (turn % 90) },
    };
    this.truth.input += usage.input_tokens;
    this.truth.write += usage.cache_creation_input_tokens;
    this.truth.read += usage.cache_read_input_tokens;
    this.truth.output += usage.output_tokens;
    const timestamp = new Date(startMs + session * 3_600_000 + turn * 2000).toISOString();
    const common = {
      parentUuid: `11111111-0000-4000-8000-${String(turn).padStart(12, "0")}`,
      isSidechain: false,
      userType: "external",
      cwd: `/home/dev/project-${session % 10}`,
      sessionId: id,
      version: "2.1.332",
      gitBranch: "main",
      timestamp,
    };
    const message = {
      id: `msg_${session}_${turn}`,
      type: "message",
      role: "assistant",
      model: "claude-sonnet-4-5",
      stop_reason: "tool_use",
      usage,
    };
    const block = (content: object, part: number): object => ({
      ...common,
      message: { ...message, content: [content] },
      requestId: `req_${session}_${turn}`,
      type: "assistant",
      uuid: `22222222-000${part}-4000-8000-${String(turn).padStart(12, "0")}`,
    });
    return [
      {
        ...common,
        type: "user",
        message: {
          role: "user",
          content: [{ type: "tool_result", tool_use_id: `toolu_${turn}`, content: said }],
        },
        uuid: `33333333-0000-4000-8000-${String(turn).padStart(12, "0")}`,
      },
      block({ type: "text", text: "I read the file and change what the issue asks for." }, 0),
      block({ type: "tool_use", id: `toolu_${turn}`, name: "Bash", input: { command: "npm test" } }, 1),
    ]
      .map((line) => `${JSON.stringify(line)}\n`)
      .join("");
  }
}

const said = "ok 1 - a test that passes, as tools print them by the hundred\n".repeat(64);
