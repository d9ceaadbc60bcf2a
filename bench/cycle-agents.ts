// node bench/cycle-agents.ts [FOLDER]: real coding agents carried through a delivery cycle by the executor, in its sandbox, against
// a loopback model that asks them to mend a fault and to test it. Installs them, pinned, in FOLDER (below the home when left out:
// the sandbox shows no temporary folder) and prints how each cycle ended, and whether the ledger says what the wire says.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { ServerResponse } from "node:http";
import { closeAll } from "../apps/server/tests/support/closing.ts";
import {
  carriedThrough,
  cyclesConsole,
  replying,
  test,
} from "../apps/server/tests/support/cycles/console.ts";
import { type Asked, event, stream } from "../apps/server/tests/support/model-double.ts";
import { callsIn } from "../apps/server/tests/support/usage.ts";

type Use = { tool: string; input: Record<string, unknown> };
type Said = { text: string } | Use;

type Agent = {
  preset: "claude-code" | "gemini-cli" | "opencode";
  package: string;
  binary: string;
  model: string;
  /** Whether a request is one of the agent's work, and not of a helper of its own. */
  isWork(asked: Asked): boolean;
  /** How many tools have been used in the conversation. */
  used(asked: Asked): number;
  shell(command: string): Use;
  write(path: string, contents: string): Use;
  send(response: ServerResponse, asked: Asked, said: Said, count: number): void;
};

const list = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? (value as Record<string, unknown>[]) : [];
const usage = { input: 1000, output: 50 };

const agents: Agent[] = [
  {
    preset: "claude-code",
    package: "@agentclientprotocol/claude-agent-acp@0.101.0",
    binary: "claude-agent-acp",
    model: "claude-opus-5-5",
    isWork: ({ path, body }) =>
      /\/messages(?:\?|$)/.test(path) && list(body["tools"]).some(({ name }) => name === "Bash"),
    used: ({ body }) => (JSON.stringify(body["messages"]).match(/"type":"tool_result"/g) ?? []).length,
    shell: (command) => ({ tool: "Bash", input: { command, description: "Works on the repository" } }),
    write: (path, content) => ({ tool: "Write", input: { file_path: path, content } }),
    send: anthropic,
  },
  {
    preset: "gemini-cli",
    package: "@google/gemini-cli@0.61.0",
    binary: "gemini",
    model: "gemini-2.5-pro",
    isWork: ({ path, body }) =>
      path.includes("treamGenerateContent") &&
      JSON.stringify(body["tools"] ?? "").includes("run_shell_command"),
    used: ({ body }) => (JSON.stringify(body["contents"]).match(/"functionResponse"/g) ?? []).length,
    shell: (command) => ({
      tool: "run_shell_command",
      input: { command, description: "Works on the repository" },
    }),
    write: (path, content) => ({ tool: "write_file", input: { file_path: path, content } }),
    send: gemini,
  },
  {
    preset: "opencode",
    package: "opencode-ai@1.18.33",
    binary: "opencode",
    model: "gpt-5.2",
    isWork: ({ path, body }) =>
      path.includes("/chat/completions") &&
      list(body["tools"]).some((tool) => (tool["function"] as { name?: string }).name === "bash"),
    used: ({ body }) => list(body["messages"]).filter(({ role }) => role === "tool").length,
    shell: (command) => ({ tool: "bash", input: { command, description: "Works on the repository" } }),
    // For models of OpenAI it offers no tool that writes a whole file.
    write: (path, contents) => ({ tool: "apply_patch", input: { patchText: patchOf(path, contents) } }),
    send: openai,
  },
];

const fixed = Buffer.from("exports.sum = (a, b) => a + b;\n").toString("base64");
const newTest = test('test("adds two numbers [T1]", () => assert.equal(sum(2, 2), 4));\n');

const folder = process.argv[2] ?? join(homedir(), ".ciclo-bench-cycle");
let isRight = true;
for (const agent of agents) isRight = (await carried(agent)) && isRight;
await closeAll();
process.exitCode = isRight ? 0 : 1;

async function carried(agent: Agent): Promise<boolean> {
  const place = join(folder, agent.preset);
  mkdirSync(place, { recursive: true });
  const programs = join(place, "node_modules", ".bin");
  if (!existsSync(join(programs, agent.binary)))
    execFileSync("npm", ["install", "--no-audit", "--no-fund", "--prefix", place, agent.package], {
      stdio: "ignore",
    });
  const executor = { preset: agent.preset, agent: agent.preset, model: agent.model };
  const running = await cyclesConsole({
    policy: { executor },
    config: { serverPath: `${programs}:${process.env.PATH ?? ""}` },
  });
  const { gateway, model, start, repository } = running;
  const phases = replying();
  let count = 0;
  model.answer = (asked, response) => {
    if (!agent.isWork(asked)) return phases(asked, response);
    count += 1;
    const cwd = workFolder(asked);
    const steps: Said[] = [
      agent.shell(`echo ${fixed} | base64 -d > src/sum.js`),
      agent.write(join(cwd, "test", "adds.test.js"), newTest),
      { text: "All done, all tests are green." },
    ];
    model.billed.push({ model: agent.model, ...usage });
    agent.send(response, asked, steps[Math.min(agent.used(asked), 2)] ?? { text: "Done." }, count);
    return true;
  };
  const started = Date.now();
  const { id } = await start();
  const cycle = await carriedThrough(running, id);
  await gateway.ledger.flush();
  const rows = (await callsIn(gateway.database.queries)).filter(({ phase }) => phase === "executor");
  const work = rows.filter((row) => row.model === agent.model && row.output === usage.output);
  const execution = cycle.artifacts.findLast((one) => one.kind === "execution")?.content;
  const isWhole =
    cycle.state === "completed" &&
    repository.git("rev-parse", "main") === cycle.head_commit &&
    work.length === count &&
    count > 0;
  console.log(
    [
      `${agent.preset}: ${cycle.state}${cycle.reason === null ? "" : `, ${cycle.reason}`}`,
      `said it is: ${execution?.agent.name} ${execution?.agent.version}, ended with ${execution?.stop_reason}`,
      `asked for: ${execution?.permissions.map(({ title, answer }) => `${title.slice(0, 60)} (${answer})`).join("; ") || "nothing"}`,
      `commits: ${execution?.commits.map(({ subject }) => subject).join("; ")}`,
      `its model was asked ${count} times for the work on the wire, ${work.length} in the ledger; ${rows.length} calls of the executor in all`,
      `tries: ${cycle.tries}, ${((Date.now() - started) / 1000).toFixed(0)} s`,
      isWhole ? "right" : "WRONG",
    ].join("\n  "),
  );
  if (!isWhole) for (const { type, detail } of cycle.timeline.slice(-6)) console.log(`    ${type} ${detail}`);
  return isWhole;
}

function patchOf(path: string, contents: string): string {
  const lines = contents.trimEnd().split("\n");
  return [
    "*** Begin Patch",
    `*** Add File: ${path}`,
    ...lines.map((line) => `+${line}`),
    "*** End Patch",
  ].join("\n");
}

/** Where the agent says that it works: each has it somewhere in what it tells its model. */
function workFolder({ body }: Asked): string {
  return /(\/[^\s"'\\<>`]+\/cycles\/work\/\w+\/tree)/.exec(JSON.stringify(body))?.[1] ?? "";
}

function anthropic(response: ServerResponse, { body }: Asked, said: Said, count: number): void {
  const block =
    "text" in said
      ? { type: "text", text: "" }
      : { type: "tool_use", id: `toolu_${count}`, name: said.tool, input: {} };
  const delta =
    "text" in said
      ? { type: "text_delta", text: said.text }
      : { type: "input_json_delta", partial_json: JSON.stringify(said.input) };
  const id = `msg_of_the_cycle_${String(count).padStart(8, "0")}`;
  const message = {
    id,
    type: "message",
    role: "assistant",
    model: body["model"],
    content: [],
    stop_reason: null,
  };
  const used = { input_tokens: usage.input, output_tokens: usage.output };
  response.setHeader("request-id", `req_${id}`);
  stream(response, [
    event(
      { type: "message_start", message: { ...message, usage: { ...used, output_tokens: 1 } } },
      "message_start",
    ),
    event({ type: "content_block_start", index: 0, content_block: block }, "content_block_start"),
    event({ type: "content_block_delta", index: 0, delta }, "content_block_delta"),
    event({ type: "content_block_stop", index: 0 }, "content_block_stop"),
    event(
      {
        type: "message_delta",
        delta: { stop_reason: "text" in said ? "end_turn" : "tool_use" },
        usage: { output_tokens: usage.output },
      },
      "message_delta",
    ),
    event({ type: "message_stop" }, "message_stop"),
  ]);
}

function gemini(response: ServerResponse, _: Asked, said: Said, count: number): void {
  const part = "text" in said ? { text: said.text } : { functionCall: { name: said.tool, args: said.input } };
  stream(response, [
    event({
      candidates: [{ content: { role: "model", parts: [part] }, finishReason: "STOP", index: 0 }],
      usageMetadata: {
        promptTokenCount: usage.input,
        candidatesTokenCount: usage.output,
        totalTokenCount: usage.input + usage.output,
      },
      modelVersion: "gemini-2.5-pro",
      responseId: `of-the-cycle-${String(count).padStart(8, "0")}`,
    }),
  ]);
}

function openai(response: ServerResponse, { body }: Asked, said: Said, count: number): void {
  const head = {
    id: `chatcmpl-of-the-cycle-${String(count).padStart(8, "0")}`,
    object: "chat.completion.chunk",
    created: 1,
    model: body["model"],
  };
  const delta =
    "text" in said
      ? { role: "assistant", content: said.text }
      : {
          role: "assistant",
          tool_calls: [
            {
              index: 0,
              id: `call_${count}`,
              type: "function",
              function: { name: said.tool, arguments: JSON.stringify(said.input) },
            },
          ],
        };
  const piece = (of: unknown, finish: string | null) =>
    event({ ...head, choices: [{ index: 0, delta: of, finish_reason: finish }] });
  stream(response, [
    piece(delta, null),
    piece({}, "text" in said ? "stop" : "tool_calls"),
    event({
      ...head,
      choices: [],
      usage: {
        prompt_tokens: usage.input,
        completion_tokens: usage.output,
        total_tokens: usage.input + usage.output,
      },
    }),
    event("[DONE]"),
  ]);
}
