import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openSqliteDatabase } from "../src/db/dialect.ts";
import { settableClock } from "./support/clock.ts";
import { startConsole, type TestConsole } from "./support/console.ts";
import { stores } from "./support/databases.ts";
import { eventually } from "./support/eventually.ts";
import { rounds } from "./support/extent.ts";
import { startProcess } from "./support/process.ts";
import { temporaryFolder } from "./support/temporary.ts";
import { callsIn, toolCall } from "./support/usage.ts";

const samples = fileURLToPath(new URL("data/agent-logs", import.meta.url));

const line = (index: number, over: Record<string, unknown> = {}): string =>
  `${JSON.stringify({
    ts: new Date(Date.UTC(2026, 10, 27, 12, 0, 0, index)).toISOString(),
    route: index % 2 === 0 ? "planner" : null,
    tool: "glm46.chat",
    tokens_in: 100 + index,
    tokens_out: 10,
    duration_ms: 250,
    status: "success",
    cost_estimated_usd: 0.0001,
    metadata: { usage: { prompt_tokens: 100 + index, completion_tokens: 10, total_tokens: 110 + index } },
    ...over,
  })}\n`;
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => line(from + index)).join("");

const logOf = ({ config }: TestConsole, name = "2026-11-27.jsonl", server = "glm46"): string => {
  const path = join(config.mcpLogs, server, name);
  mkdirSync(dirname(path), { recursive: true });
  return path;
};
const inputs = async ({ database }: TestConsole): Promise<(number | null)[]> =>
  (await callsIn(database.queries)).map(({ input }) => input);
const filesOf = ({ database }: TestConsole) => database.queries.selectFrom("log_files").selectAll().execute();
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => 100 + from + index);

describe("telemetry of MCP servers", () => {
  it.each(stores)(
    "is followed line by line, and stands in the ledger as it was written: %s",
    async (_, openStore) => {
      const running = await startConsole({ database: await openStore() });
      const log = logOf(running);
      writeFileSync(log, lines(0, 3));
      await running.ingest.read();
      expect(await callsIn(running.database.queries)).toMatchObject([
        {
          kind: "model",
          source: "telemetry",
          server: "glm46",
          tool: "glm46.chat",
          phase: "planner",
          status: "ok",
          input: 100,
          output: 10,
          ms: 250,
          cost_nano_usd: 100_000,
          cost_source: "estimated",
          at: "2026-11-27T12:00:00.000Z",
        },
        { phase: null, input: 101 },
        { phase: "planner", input: 102 },
      ]);
      appendFileSync(
        log,
        line(3, { status: "denied", metadata: { reason: "MAX_TOKENS_EXCEEDED", limit: 16_000 } }),
      );
      appendFileSync(log, line(4, { cost_estimated_usd: null }));
      await running.ingest.read();
      expect((await callsIn(running.database.queries)).slice(3)).toMatchObject([
        { status: "refused", error: "MAX_TOKENS_EXCEEDED", input: null, cost_source: "none" },
        { status: "ok", input: 104, cost_nano_usd: null, cost_source: "unpriced" },
      ]);
      // Tokens that the server counted itself have a price that is no more exact than they are.
      const of = { provider: "openai", model: "gpt-5.2" };
      for (const usage_source of ["heuristic", "tokenizer", "provider"])
        appendFileSync(log, line(5, { cost_estimated_usd: null, metadata: { ...of, usage_source } }));
      await running.ingest.read();
      expect(
        (await callsIn(running.database.queries)).slice(5).map(({ cost_source }) => cost_source),
      ).toEqual(["estimated", "estimated", "table"]);
    },
  );

  it("reads a packed file that is cut or broken as far as it goes, says so, and the whole one once it is there", async () => {
    const running = await startConsole();
    const whole = gzipSync(lines(0, 2000));
    const log = `${logOf(running)}.1.gz`;
    writeFileSync(log, whole.subarray(0, whole.length / 2));
    await running.ingest.read();
    const some = (await inputs(running)).length;
    expect(some).toBeLessThan(2000);
    expect((await filesOf(running)).map(({ bad }) => bad)).toEqual([1]);
    writeFileSync(log, whole);
    await running.ingest.read();
    expect((await inputs(running)).toSorted((a, b) => (a ?? 0) - (b ?? 0))).toEqual(range(0, 2000));
    writeFileSync(`${logOf(running, "other.jsonl")}.1.gz`, "no packed file\n");
    appendFileSync(logOf(running), line(2000));
    await running.ingest.read();
    expect(await inputs(running)).toContain(2100);
    const bad = (await filesOf(running)).map(({ path, bad: count }) => [path.split("/").at(-1), count]);
    expect(new Map(bad as [string, number][])).toEqual(
      new Map([
        ["2026-11-27.jsonl", 0],
        ["2026-11-27.jsonl.1.gz", 0],
        ["other.jsonl.1.gz", 1],
      ]),
    );
  });

  it("reads packed files whose names move on, each line once", async () => {
    const running = await startConsole();
    const log = logOf(running);
    const pack = (from: string, to: string): void => {
      writeFileSync(to, gzipSync(readFileSync(from)));
      rmSync(from);
    };
    writeFileSync(log, lines(0, 10));
    await running.ingest.read();
    pack(log, `${log}.1.gz`);
    writeFileSync(log, lines(10, 12));
    await running.ingest.read();
    appendFileSync(log, lines(12, 15));
    renameSync(`${log}.1.gz`, `${log}.2.gz`);
    pack(log, `${log}.1.gz`);
    writeFileSync(log, lines(15, 17));
    await running.ingest.read();
    expect((await inputs(running)).toSorted((a, b) => (a ?? 0) - (b ?? 0))).toEqual(range(0, 17));
  });

  it("takes over no call of another source, and no status from an object's own words", async () => {
    const running = await startConsole();
    writeFileSync(logOf(running), line(0, { metadata: { response_id: "resp_0123456789abcdef" } }));
    await running.ingest.read();
    const claim = { call_id: "response:resp_0123456789abcdef", usage: { prompt_tokens: 0 } };
    writeFileSync(
      logOf(running, "2026-11-27.jsonl", "evil"),
      line(1, { metadata: claim }) + line(2, { status: "constructor" }) + line(3, { status: "__proto__" }),
    );
    await running.ingest.read();
    const rows = await callsIn(running.database.queries);
    expect(rows.map(({ server }) => server)).toEqual(["glm46", "evil"]);
    expect((await filesOf(running)).map(({ bad }) => bad).toSorted((a, b) => a - b)).toEqual([0, 2]);
  });

  it("waits for the end of a line, whichever bytes have come", async () => {
    const running = await startConsole();
    const log = logOf(running);
    const all = Buffer.from(line(0, { route: "análise" }) + line(1));
    for (let at = 0; at < all.length; at += 37) {
      appendFileSync(log, all.subarray(at, at + 37));
      await running.ingest.read();
    }
    expect((await callsIn(running.database.queries)).map(({ input, phase }) => [input, phase])).toEqual([
      [100, "análise"],
      [101, null],
    ]);
    expect(await filesOf(running)).toMatchObject([{ lines: 2, bad: 0, byte_offset: all.length }]);
  });

  it("goes on at the byte after a restart, and after rotation, packing, truncation and copies counts nothing twice", async () => {
    const file = join(await temporaryFolder(), "ciclo.db");
    const home = await temporaryFolder();
    const first = await startConsole({ database: await openSqliteDatabase(file), config: { home } });
    const log = logOf(first);
    writeFileSync(log, lines(0, 10));
    await first.ingest.read();
    const second = await startConsole({ database: await openSqliteDatabase(file), config: { home } });
    appendFileSync(log, lines(10, 15));
    // What was written before the rotation and not read yet.
    renameSync(log, `${log}.1`);
    writeFileSync(log, lines(15, 20));
    await second.ingest.read();
    expect(await inputs(second)).toEqual(range(0, 20));
    writeFileSync(`${log}.2.gz`, gzipSync(readFileSync(`${log}.1`)));
    rmSync(`${log}.1`);
    await second.ingest.read();
    writeFileSync(log, lines(20, 22));
    await second.ingest.read();
    writeFileSync(join(dirname(log), "copy.jsonl"), lines(0, 25));
    await second.ingest.read();
    expect(await inputs(second)).toEqual(range(0, 25));
    // The last line of a packed file may lack its end.
    writeFileSync(join(dirname(log), "old.jsonl.gz"), gzipSync(lines(25, 27).trimEnd()));
    await second.ingest.read();
    expect(await inputs(second)).toEqual(range(0, 27));
  });

  it("counts equal lines of one moment each, and copies of them not again", async () => {
    const running = await startConsole();
    const log = logOf(running);
    writeFileSync(log, line(1) + line(1) + line(2));
    await running.ingest.read();
    appendFileSync(log, line(2));
    await running.ingest.read();
    expect(await inputs(running)).toEqual([101, 101, 102, 102]);
    writeFileSync(`${log}.1`, line(1) + line(1) + line(2) + line(2));
    await running.ingest.read();
    expect(await inputs(running)).toHaveLength(4);
    // Three lines of one moment, the first and the last alike; their copy has another end of lines, and a mark in front.
    const [a, b] = [line(3), line(3, { tokens_out: 11 })];
    writeFileSync(logOf(running, "b.jsonl"), a + b + a);
    writeFileSync(logOf(running, "c.jsonl"), `\uFEFF${(a + b + a).replaceAll("\n", "\r\n")}`);
    await running.ingest.read();
    expect(await inputs(running)).toHaveLength(7);
    expect((await filesOf(running)).map(({ bad }) => bad)).toEqual([0, 0, 0, 0]);
  });

  it("is taken in after days, though little was written on each", async () => {
    const clock = settableClock("2026-11-27T12:00:00.000Z");
    const running = await startConsole({ clock });
    for (let day = 0; day < 5; day += 1) {
      appendFileSync(logOf(running), line(0, { ts: clock().toISOString() }));
      await running.ingest.read();
      expect(await inputs(running)).toHaveLength(day + 1);
      clock.advance(20 * 3_600_000);
    }
    appendFileSync(logOf(running), line(0, { ts: "2027-01-01T00:00:00.000Z" }));
    await running.ingest.read();
    expect(await filesOf(running)).toMatchObject([{ lines: 6, bad: 1 }]);
  });

  it.each(stores)("takes names as they come, whatever they mean elsewhere: %s", async (_, openStore) => {
    const running = await startConsole({ database: await openStore() });
    const odd = (index: number, metadata: Record<string, unknown>) =>
      line(index, {
        metadata: { usage: { prompt_tokens: 100 + index, completion_tokens: 10 }, ...metadata },
      });
    writeFileSync(
      logOf(running),
      [
        odd(0, { provider: "constructor", model: "toString", response_id: "first-response-0000" }),
        odd(1, { provider: "__proto__", model: "m", response_id: "id-with-nul-\u0000-in-it" }),
        odd(2, { provider: "zai", model: "glm-4.6", response_id: "half-a-character-\ud83d" }),
        line(3),
      ].join(""),
    );
    await running.ingest.read();
    expect(await inputs(running)).toEqual(range(0, 4));
    await running.ingest.read();
    expect(await inputs(running)).toEqual(range(0, 4));
  });

  it("joins a line to the call through the gateway that it names, however many answers have one id", async () => {
    const running = await startConsole();
    const keys = ["gateway:one", "gateway:two", "gateway:three"];
    keys.forEach((key, index) =>
      running.ledger.recordTool(toolCall({ key }, { server: "glm46", actorName: `person-${index}` })),
    );
    await running.ledger.flush();
    writeFileSync(
      logOf(running),
      keys
        .map((call_id, index) =>
          line(index, {
            metadata: { call_id, response_id: "the-same-id-for-all", usage: { prompt_tokens: 100 + index } },
          }),
        )
        .join(""),
    );
    await running.ingest.read();
    const calls = await callsIn(running.database.queries);
    expect(new Map(calls.map(({ actor_name, input }) => [actor_name, input]))).toEqual(
      new Map([
        ["person-0", 100],
        ["person-1", 101],
        ["person-2", 102],
      ]),
    );
  });

  it("goes by the tokens of the line where the model's own words are in a form that nobody knows", async () => {
    const running = await startConsole();
    const said = [{}, { total_tokens: 511 }, { promptTokens: 502 }];
    writeFileSync(logOf(running), said.map((usage, index) => line(index, { metadata: { usage } })).join(""));
    await running.ingest.read();
    expect(await inputs(running)).toEqual(range(0, 3));
  });

  it("says nothing of another server's call, whatever id it names", async () => {
    const running = await startConsole();
    running.ledger.recordTool(toolCall({ key: "gateway:one" }, { server: "github" }));
    await running.ledger.flush();
    writeFileSync(
      logOf(running, "a.jsonl", "evil"),
      line(0, {
        cost_estimated_usd: 9999,
        metadata: { call_id: "gateway:one", usage: { prompt_tokens: 100 } },
      }),
    );
    await running.ingest.read();
    const calls = await callsIn(running.database.queries);
    expect(new Map(calls.map(({ server, cost_nano_usd }) => [server, cost_nano_usd]))).toEqual(
      new Map([
        ["evil", 9_999_000_000_000],
        ["github", null],
      ]),
    );
  });

  it.each(stores)(
    "may say sums that no number holds exactly: reports and budgets go on: %s",
    async (_, openStore) => {
      const running = await startConsole({ database: await openStore() });
      writeFileSync(
        logOf(running),
        Array.from({ length: 1000 }, (_each, index) => line(index, { cost_estimated_usd: 9999 })).join(""),
      );
      await running.ingest.read();
      const { client } = await running.person("viewer");
      const query = { from: "2026-11-27T00:00:00.000Z", to: "2026-11-28T00:00:00.000Z" };
      const report = await client.call("getUsage", { query });
      expect(report.total).toMatchObject({ calls: 1000, cost_usd: 9_999_000 });
    },
  );

  it("keeps bad lines aside, with number and reason, and goes on behind them", async () => {
    const running = await startConsole();
    const log = logOf(running);
    const bad: [string, RegExp][] = [
      ["nonsense", /no JSON object/],
      ["[1]", /no JSON object/],
      [line(0, { ts: "1970-01-01T00:00:00.000Z" }), /ts is no time/],
      [line(0, { ts: "2999-01-01T00:00:00.000Z" }), /ts is more than a day ahead/],
      [line(0, { ts: 5 }), /ts is no time/],
      [line(0, { tokens_in: -1, metadata: {} }), /tokens_in is -1/],
      [line(0, { tokens_in: "12", metadata: {} }), /tokens_in is text/],
      [line(0, { tokens_out: 1e300, metadata: {} }), /tokens_out is 1e\+300/],
      [line(0).replace(/"tokens_in":\d+/, '"tokens_in":NaN'), /no JSON object/],
      [line(0, { metadata: { usage: { prompt_tokens: 1.5 } } }), /prompt_tokens is 1.5/],
      [line(0, { cost_estimated_usd: -0.1 }), /cost_estimated_usd/],
      [line(0, { cost_estimated_usd: 1e9 }), /cost_estimated_usd/],
      [line(0, { duration_ms: "fast" }), /duration_ms/],
      [line(0, { status: "done" }), /status/],
      [line(0, { tool: undefined }), /tool is missing/],
    ];
    writeFileSync(log, line(1));
    for (const [text] of bad) appendFileSync(log, `${text.trimEnd()}\n`);
    appendFileSync(log, Buffer.from([0x7b, 0xff, 0x7d, 0x0a]));
    appendFileSync(log, `\n{"api_key": "sk-live-0123456789abcdef0123456789abcdef"}\n`);
    appendFileSync(log, line(2));
    await running.ingest.read();
    expect(await inputs(running)).toEqual([101, 102]);
    const side = join(running.home, "rejected/telemetry/glm46/2026-11-27.jsonl");
    const told = readFileSync(side, "utf8")
      .trimEnd()
      .split("\n")
      .map((entry) => JSON.parse(entry) as { line: number; reason: string; text: string });
    expect(told.map(({ line: number }) => number)).toEqual([
      ...bad.map((_, index) => index + 2),
      bad.length + 2,
      bad.length + 4,
    ]);
    for (const [index, [, reason]] of bad.entries()) expect(told[index]?.reason).toMatch(reason);
    expect(told.at(-2)?.reason).toBe("no UTF-8");
    expect(JSON.stringify(told)).not.toContain("0123456789abcdef0123456789abcdef");
    const { client } = await running.person("viewer");
    const { checks } = await client.call("getHealth");
    const { status, detail } = checks.find(({ id }) => id === "logs") ?? {};
    expect([status, detail]).toEqual([
      "degraded",
      expect.stringMatching(
        /telemetry: 17 of 20 lines could not be used; they are kept with the reason in rejected\//,
      ),
    ]);
    expect(statSync(side).mode & 0o777).toBe(0o600);
    expect(await filesOf(running)).toMatchObject([{ bad: bad.length + 2, lines: bad.length + 5 }]);
    await running.ingest.read();
    expect(await filesOf(running)).toMatchObject([{ bad: bad.length + 2 }]);
  });

  it("of one server that cannot be used is said of its file, however much others write", async () => {
    const running = await startConsole();
    writeFileSync(logOf(running), lines(0, 100));
    const broken = logOf(running, "2026-11.jsonl", "other");
    writeFileSync(broken, "no JSON\n".repeat(90));
    await running.ingest.read();
    expect(await running.ingest.standings()).toMatchObject([
      { source: "telemetry", lines: 190, bad: 90, failing: [broken] },
    ]);
  });

  it("passes over a line of 50 MB without holding it", async () => {
    const running = await startConsole();
    const log = logOf(running);
    writeFileSync(log, line(1));
    for (let count = 0; count < 50; count += 1) appendFileSync(log, "x".repeat(1024 * 1024));
    appendFileSync(log, `\n${line(2)}`);
    await running.ingest.read();
    expect(await inputs(running)).toEqual([101, 102]);
    expect(await filesOf(running)).toMatchObject([{ lines: 3, bad: 1, byte_offset: statSync(log).size }]);
  });

  it("reads what the cuts of chunks and reads fall into in whatever way", async () => {
    const running = await startConsole();
    const log = logOf(running);
    const sizes = fc.sample(fc.nat(4000), { numRuns: 300, seed: 11 });
    const text = sizes.map((size, index) => line(index, { metadata: { pad: "p".repeat(size) } })).join("");
    for (let at = 0; at < text.length; at += 90_001) {
      appendFileSync(log, text.slice(at, at + 90_001));
      await running.ingest.read();
    }
    expect(await inputs(running)).toEqual(range(0, 300));
  });

  it("leaves out calls from a time that has been deleted, which it would not know again", async () => {
    const running = await startConsole();
    const log = logOf(running);
    writeFileSync(log, lines(0, 5));
    await running.ingest.read();
    await running.purge("2026-11-27T12:00:00.003Z", 500);
    expect(await inputs(running)).toEqual(range(3, 5));
    writeFileSync(join(dirname(log), "copy.jsonl"), lines(0, 6));
    await running.ingest.read();
    expect(await inputs(running)).toEqual(range(3, 6));
    const days = await running.database.queries.selectFrom("usage_days").select("calls").execute();
    expect(days.reduce((sum, { calls }) => sum + calls, 0)).toBe(6);
    expect(await filesOf(running)).toContainEqual(expect.objectContaining({ too_old: 3 }));
  });

  it(
    "loses and doubles nothing, whenever the console is killed over a growing file",
    { timeout: 600_000 },
    async () => {
      const home = await temporaryFolder();
      const logs = join(home, "mcp-logs");
      mkdirSync(join(logs, "glm46"), { recursive: true });
      const log = join(logs, "glm46", "2026-11-27.jsonl");
      const environment = { CICLO_HOME: home, CICLO_MCP_LOGS: logs };
      let written = 0;
      const kills = rounds(6, 100);
      for (let kill = 0; kill < kills; kill += 1) {
        const server = await startProcess(environment);
        const until = written + 2000;
        const timer = setTimeout(() => void server.killGroup(), 20 + ((kill * 37) % 300));
        while (written < until) {
          appendFileSync(log, lines(written, written + 100));
          written += 100;
          await new Promise((resolve) => setImmediate(resolve));
        }
        await server.exited;
        clearTimeout(timer);
      }
      const last = await startProcess(environment);
      const database = await openSqliteDatabase(join(home, "ciclo.db"));
      const count = async (): Promise<number> => (await callsIn(database.queries)).length;
      await eventually(count, (found) => found === written);
      await last.stop();
      const sums = await database.queries
        .selectFrom("usage_hours")
        .select((eb) => [eb.fn.sum<number>("calls").as("calls"), eb.fn.sum<number>("input").as("input")])
        .executeTakeFirstOrThrow();
      expect(sums).toEqual({
        calls: written,
        input: range(0, written).reduce((sum, value) => sum + value, 0),
      });
      await database.close();
    },
  );
});

describe("logs of agents", () => {
  const agents = ["claude", "codex", "copilot", "gemini", "qwen"] as const;
  const names = {
    claude: "claude-code",
    codex: "codex",
    copilot: "copilot-cli",
    gemini: "gemini-cli",
    qwen: "qwen-code",
  };

  it("are taken in where they are asked for, once, also where an agent deletes its files", async () => {
    const folder = await temporaryFolder();
    for (const agent of agents) cpSync(join(samples, agent), join(folder, agent), { recursive: true });
    const agentLogs = agents.map((agent) => ({ agent: names[agent], folder: join(folder, agent) }));
    const running = await startConsole({ config: { agentLogs } });
    await running.ingest.read();
    const calls = await callsIn(running.database.queries);
    const sums = new Map<string, [number, number]>();
    for (const { agent, input, output } of calls) {
      const [fresh, written] = sums.get(agent ?? "") ?? [0, 0];
      sums.set(agent ?? "", [fresh + (input ?? 0), written + (output ?? 0)]);
    }
    expect(Object.fromEntries(sums)).toEqual({
      "claude-code": [13_365, 1121],
      codex: [7259, 605],
      "copilot-cli": [8336, 720],
      "gemini-cli": [10_455, 925],
      "qwen-code": [13_078, 1490],
    });
    rmSync(join(folder, "gemini"), { recursive: true });
    const again = await startConsole({
      database: running.database,
      config: { home: running.home, agentLogs },
    });
    await again.ingest.read();
    expect(await callsIn(running.database.queries)).toEqual(calls);
    expect(existsSync(join(again.home, "rejected"))).toBe(false);
  });

  it("are read from opencode's database as it changes, forks' copies once", async () => {
    const folder = await temporaryFolder();
    const database = new DatabaseSync(join(folder, "opencode.db"), { enableForeignKeyConstraints: false });
    database.exec("pragma journal_mode=wal");
    database.exec(readFileSync(join(samples, "opencode/schema.sql"), "utf8"));
    const insert = database.prepare("insert into message values (?, ?, ?, ?, ?)");
    const rows = readFileSync(join(samples, "opencode/message.assistant.jsonl"), "utf8")
      .trimEnd()
      .split("\n")
      .map((row) => JSON.parse(row) as Record<string, never>)
      .toSorted((a, b) => Number(a["time_updated"]) - Number(b["time_updated"]));
    const add = (some: typeof rows): void => {
      for (const { id, session_id, time_created, time_updated, data } of some)
        insert.run(id ?? "", session_id ?? "", time_created ?? 0, time_updated ?? 0, JSON.stringify(data));
    };
    add(rows.slice(0, 5));
    const running = await startConsole({ config: { agentLogs: [{ agent: "opencode", folder }] } });
    await running.ingest.read();
    expect(await callsIn(running.database.queries)).toHaveLength(5);
    const last = rows.slice(-1).map((row) => ({ ...row, time_updated: Date.now() as never }));
    add(rows.slice(5, -1));
    // A clock that was ahead hides nothing that comes after.
    insert.run("msg_bad", "ses", 1, 1_900_000_000_000, "{");
    await running.ingest.read();
    add(last);
    await running.ingest.read();
    const calls = await callsIn(running.database.queries);
    expect(calls.reduce((sum, { input }) => sum + (input ?? 0), 0)).toBe(11_749);
    expect(await filesOf(running)).toMatchObject([{ source: "opencode", bad: 1, lines: rows.length }]);
    expect(readFileSync(join(running.home, "rejected/opencode/opencode.db"), "utf8")).toContain("msg_bad");
    database.close();
  });

  it("are left alone where nobody asked for them", async () => {
    const running = await startConsole();
    await running.ingest.read();
    expect(await filesOf(running)).toEqual([]);
  });
});
