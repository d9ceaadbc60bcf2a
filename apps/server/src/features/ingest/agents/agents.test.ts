import { globSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { inputOf, type Tokens } from "../../../domain/tokens.ts";
import type { MeteredCall } from "../../../domain/usage.ts";
import type { Json } from "../said.ts";
import { claude } from "./claude.ts";
import { codex } from "./codex.ts";
import { copilot } from "./copilot.ts";
import { gemini } from "./gemini.ts";
import { opencodeCalls } from "./opencode.ts";
import { qwen } from "./qwen.ts";
import type { AgentLog, LogContext } from "./reader.ts";

// What six real agents wrote, and the wire's truth beside it: apps/server/tests/data/agent-logs/README.md.
const folder = new URL("../../../../tests/data/agent-logs/", import.meta.url).pathname;

const linesOf = (file: string): Json[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Json);

/** All calls that an agent's files tell of, each once: the later word of one call holds. */
function callsOf(log: AgentLog, root: string): MeteredCall[] {
  const byKey = new Map<string, MeteredCall>();
  const files = globSync("**/*.{jsonl,json}", { cwd: root }).filter((file) => log.files.test(file));
  expect(files.length).toBeGreaterThan(0);
  for (const file of files.toSorted()) {
    const context: LogContext = {};
    for (const line of readFileSync(`${root}/${file}`, "utf8").split("\n")) {
      // What a reader skips unread must not matter.
      if (!log.marks.some((mark) => line.includes(mark))) continue;
      for (const call of log.read(JSON.parse(line) as Json, context)) byKey.set(call.key, call);
    }
  }
  return [...byKey.values()];
}

const sumOf = (calls: readonly MeteredCall[]) => {
  const sum = (field: keyof Tokens): number =>
    calls.reduce((all, { usage }) => all + (usage?.tokens[field] ?? 0), 0);
  return {
    calls: calls.length,
    fresh: sum("input"),
    cacheRead: sum("cacheRead"),
    short: sum("cacheWriteShort"),
    long: sum("cacheWriteLong"),
    output: sum("output"),
    reasoning: sum("reasoning"),
  };
};

type Truth = {
  status: unknown;
  id: string;
  requestId?: string;
  session?: string;
  usage: { fresh: number; cacheRead: number; cw5?: number; cw1?: number; out: number; reasoning?: number };
};

const truthOf = (agent: string): Truth[] => linesOf(`${folder}/${agent}/truth.jsonl`) as never;
const finished = (agent: string) => truthOf(agent).filter(({ status }) => status === 200);
const truthSum = (truths: readonly Truth[]) => {
  const sum = (field: keyof Truth["usage"]): number =>
    truths.reduce((all, { usage }) => all + (usage[field] ?? 0), 0);
  return {
    calls: truths.length,
    fresh: sum("fresh"),
    cacheRead: sum("cacheRead"),
    short: sum("cw5"),
    long: sum("cw1"),
    output: sum("out"),
    reasoning: sum("reasoning"),
  };
};

describe("what agents' own logs say", () => {
  test("Claude Code: all but compaction and cut streams; of a cancelled one its beginning", () => {
    const calls = callsOf(claude, `${folder}/claude`);
    const missing = calls.length;
    expect(sumOf(calls)).toMatchObject({ fresh: 13_365, output: 1121 });
    const truths = new Map(truthOf("claude").map((truth) => [`request:${truth.requestId}`, truth]));
    for (const call of calls) {
      const truth = truths.get(call.aliases[0] ?? "");
      const tokens = call.usage?.tokens;
      expect(tokens).toMatchObject({
        input: truth?.usage.fresh,
        cacheRead: truth?.usage.cacheRead,
        cacheWriteShort: truth?.usage.cw5,
        cacheWriteLong: truth?.usage.cw1,
      });
      expect([call.status, tokens?.output]).toEqual(
        truth?.status === 200 ? ["ok", truth.usage.out] : ["partial", 1],
      );
    }
    // Two compactions and one cut stream stand nowhere.
    expect(truths.size - missing).toBe(3);
    for (const call of calls) expect(call.session).toBe(truths.get(call.aliases[0] ?? "")?.session);
  });

  test("Codex: all but a sub-agent that was still running, and cut streams", () => {
    const calls = callsOf(codex, `${folder}/codex`);
    const told = truthOf("codex").filter(({ id }) => calls.some(({ key }) => key === `response:${id}`));
    expect(sumOf(calls)).toEqual(truthSum(told));
    expect(sumOf(calls)).toMatchObject({ calls: 7, fresh: 7259, output: 605 });
  });

  test("Codex before it wrote records: the last counts of an answer, once", () => {
    const context: LogContext = {};
    const files = globSync("**/rollout-2026-11-27T17-44-18*.jsonl", { cwd: `${folder}/codex` });
    const older = linesOf(`${folder}/codex/${files[0]}`).filter(({ type }) => type !== "token_usage_record");
    const calls = [...older, ...older.slice(-1)].flatMap((line) => codex.read(line, context));
    expect(sumOf(calls)).toMatchObject({ calls: 2, fresh: 1014 + 1021, output: 145, reasoning: 25 });
  });

  test("Codex: a fork's copies are the same calls, of the session that made them; a record without an id leaves them to its event", () => {
    const usage = { input_tokens: 10, cached_input_tokens: 4, output_tokens: 3 };
    const timestamp = "2026-11-27T17:44:20.659Z";
    const lines = (session: string, response: string | null) => [
      {
        type: "session_meta",
        timestamp,
        payload: { id: session, session_id: session, model_provider: "openai" },
      },
      { type: "turn_context", timestamp, payload: { model: "gpt-5.2" } },
      {
        type: "token_usage_record",
        timestamp,
        payload: { session_id: "parent", thread_id: "parent", response_id: response, usage },
      },
      {
        type: "event_msg",
        timestamp,
        payload: {
          type: "token_count",
          info: { last_token_usage: usage, total_token_usage: { total_tokens: 13 } },
        },
      },
    ];
    const read = (session: string, response: string | null) => {
      const context: LogContext = {};
      return lines(session, response).flatMap((line) => codex.read(line, context));
    };
    for (const response of ["resp_0000000000000001", null]) {
      const [own, copied] = [read("parent", response), read("fork", response)];
      expect([own.length, copied.length]).toEqual([1, 1]);
      expect(copied[0]?.key).toBe(own[0]?.key);
      if (response !== null) expect(copied[0]?.session).toBe("parent");
    }
  });

  test("Gemini CLI: by id, so that neither lines written twice nor replays count again", () => {
    const calls = callsOf(gemini, `${folder}/gemini`);
    const told = finished("gemini").filter(({ usage }) =>
      calls.some((call) => call.usage?.tokens.input === usage.fresh),
    );
    expect(sumOf(calls)).toEqual(truthSum(told));
    expect(sumOf(calls)).toMatchObject({ calls: 10, fresh: 10_455 });
  });

  test("Qwen Code and Copilot CLI: exactly what the wire says of calls that came to their end", () => {
    expect(sumOf(callsOf(qwen, `${folder}/qwen`))).toEqual(truthSum(finished("qwen")));
    const calls = callsOf(copilot, `${folder}/copilot`);
    expect(sumOf(calls)).toEqual(truthSum(finished("copilot")));
    expect(calls.map(({ aliases }) => aliases[0]).toSorted((a = "", b = "") => a.localeCompare(b))).toEqual(
      finished("copilot").map(({ id }) => `response:${id}`),
    );
  });

  test("opencode: its table without the rows that a fork copied, and without titles", () => {
    const database = new DatabaseSync(":memory:", { enableForeignKeyConstraints: false });
    database.exec(readFileSync(`${folder}/opencode/schema.sql`, "utf8"));
    const insert = database.prepare("insert into message values (?, ?, ?, ?, ?)");
    for (const row of linesOf(`${folder}/opencode/message.assistant.jsonl`) as never as Record<
      string,
      string
    >[])
      insert.run(
        row["id"] ?? "",
        row["session_id"] ?? "",
        row["time_created"] ?? 0,
        row["time_updated"] ?? 0,
        JSON.stringify(row["data"]),
      );
    const rows = database.prepare("select id, session_id, data from message").all() as never as {
      id: string;
      session_id: string;
      data: string;
    }[];
    const byKey = new Map<string, MeteredCall>();
    for (const row of rows)
      for (const call of opencodeCalls({ ...row, data: JSON.parse(row.data) as Json }))
        byKey.set(call.key, call);
    expect(sumOf([...byKey.values()]).fresh).toBe(11_749);
    expect(rows.length).toBeGreaterThan(byKey.size);
    database.close();
  });
});

describe("lines that are not as they should be", () => {
  test("are named by what is wrong", () => {
    const assistant = (more: Json): Json => ({
      type: "assistant",
      timestamp: "2026-11-27T17:43:07.388Z",
      message: { id: "m", model: "claude-sonnet-4-5", usage: { input_tokens: 1, output_tokens: 1 }, ...more },
    });
    expect(claude.read(assistant({}), {})).toHaveLength(1);
    expect(claude.read(assistant({ model: "<synthetic>" }), {})).toEqual([]);
    expect(claude.read(assistant({ usage: undefined }), {})).toEqual([]);
    expect(() => claude.read(assistant({ usage: { input_tokens: -1 } }), {})).toThrow(/input_tokens is -1/);
    expect(() => claude.read(assistant({ id: 7 }), {})).toThrow(/message.id is missing/);
    for (const timestamp of ["1970-01-01T00:00:00Z", "soon", null, 1e300])
      expect(() => claude.read({ ...assistant({}), timestamp }, {})).toThrow(/timestamp is no time/);
    expect(() =>
      qwen.read({ id: "x", timestamp: "2026-11-27T17:43:07.388Z", inputTokens: "12" }, {}),
    ).toThrow(/inputTokens is text/);
  });

  test("attempts of one answer are calls of their own, with their own models", () => {
    const calls = claude.read(
      {
        type: "assistant",
        timestamp: "2026-11-27T17:43:07.388Z",
        requestId: "req_1",
        message: {
          id: "msg_1",
          model: "claude-sonnet-4-5",
          usage: {
            input_tokens: 300,
            output_tokens: 60,
            iterations: [
              { type: "message", model: "claude-opus-5-5", input_tokens: 100, output_tokens: 10 },
              { type: "fallback_message", model: "claude-sonnet-4-5", input_tokens: 200, output_tokens: 50 },
            ],
          },
        },
      },
      {},
    );
    expect(
      calls.map(({ key, aliases, subject, usage }) => [
        key,
        aliases[0],
        subject.model,
        inputOf(usage?.tokens ?? ({} as Tokens)),
      ]),
    ).toEqual([
      ["claude:msg_1:req_1", "request:req_1", "claude-opus-5-5", 100],
      ["claude:msg_1:req_1#1", "request:req_1#1", "claude-sonnet-4-5", 200],
    ]);
  });
});
