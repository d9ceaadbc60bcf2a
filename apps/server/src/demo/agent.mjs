// A small coding agent that speaks the Agent Client Protocol: it asks the model of the console what to do, with two tools, one
// that writes a file and one that runs a command, until the model asks for none. It runs in the sandbox of a cycle.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Readable, Writable } from "node:stream";
import { agent, methods, ndJsonStream, PROTOCOL_VERSION } from "@agentclientprotocol/sdk";

const mostRounds = 20;
const commandMs = 60_000;
const mostOutput = 20_000;
const { OPENAI_BASE_URL: base, OPENAI_API_KEY: key, CICLO_MODEL: model } = process.env;

const parameters = (...names) => ({
  type: "object",
  properties: Object.fromEntries(names.map((name) => [name, { type: "string" }])),
  required: names,
});
const tools = [
  {
    name: "write_file",
    description: "Writes a file of the repository.",
    parameters: parameters("path", "contents"),
  },
  { name: "run", description: "Runs a command in the repository.", parameters: parameters("command") },
].map((tool) => ({ type: "function", function: tool }));

async function ask(messages) {
  const response = await fetch(`${base}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, messages, tools }),
  });
  const said = await response.text();
  if (!response.ok) throw new Error(`the model said ${response.status}: ${said.slice(0, 500)}`);
  return JSON.parse(said).choices[0].message;
}

const run = {
  write_file({ path, contents }, cwd) {
    const at = join(cwd, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, contents);
    return `wrote ${path}`;
  },
  run({ command }, cwd) {
    const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", command], {
      cwd,
      encoding: "utf8",
      timeout: commandMs,
    });
    return `exit ${status}\n${stdout}${stderr}`.slice(0, mostOutput);
  },
};

const titles = { write_file: ({ path }) => `Write ${path}`, run: ({ command }) => `Run ${command}` };

/** What the client, and behind it policy, says to a tool call. */
async function isAllowed(client, sessionId, toolCallId, title) {
  const { outcome } = await client.request(methods.client.session.requestPermission, {
    sessionId,
    toolCall: { toolCallId, title },
    options: [
      { optionId: "once", kind: "allow_once", name: "Allow" },
      { optionId: "no", kind: "reject_once", name: "Refuse" },
    ],
  });
  return outcome.outcome === "selected" && outcome.optionId === "once";
}

const sessions = new Map();

async function work({ messages, cwd }, say, allowed) {
  for (let round = 0; round < mostRounds; round += 1) {
    const message = await ask(messages);
    messages.push(message);
    if (message.content) await say(`${message.content}\n`);
    if (!message.tool_calls?.length) return;
    for (const { id, function: called } of message.tool_calls) {
      const said = JSON.parse(called.arguments);
      const content = (await allowed(id, titles[called.name](said)))
        ? run[called.name](said, cwd)
        : "it was not allowed";
      messages.push({ role: "tool", tool_call_id: id, content });
    }
  }
  throw new Error(`the model wants more than ${mostRounds} rounds`);
}

agent({ name: "ciclo-replay-agent" })
  .onRequest(methods.agent.initialize, () => ({
    protocolVersion: PROTOCOL_VERSION,
    agentCapabilities: {},
    agentInfo: { name: "ciclo-replay-agent", version: "1.0.0" },
  }))
  .onRequest(methods.agent.session.new, ({ params }) => {
    const sessionId = `session-${sessions.size + 1}`;
    sessions.set(sessionId, { cwd: params.cwd, messages: [] });
    return { sessionId };
  })
  .onRequest(methods.agent.session.prompt, async ({ params, client }) => {
    const { sessionId, prompt } = params;
    const session = sessions.get(sessionId);
    session.messages.push({ role: "user", content: prompt.map(({ text = "" }) => text).join("\n") });
    const say = (text) =>
      client.notify(methods.client.session.update, {
        sessionId,
        update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text } },
      });
    await work(session, say, (id, title) => isAllowed(client, sessionId, id, title));
    return { stopReason: "end_turn" };
  })
  .onNotification(methods.agent.session.cancel, () => {})
  .connect(ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin)));
