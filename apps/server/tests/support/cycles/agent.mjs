// An agent that speaks the Agent Client Protocol and does, turn by turn, what its first argument says: a file of steps as JSON.
// A double of coding agents for what they may do, good or bad; the protocol is the real one.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Readable, Writable } from "node:stream";
import { agent, methods, ndJsonStream, PROTOCOL_VERSION } from "@agentclientprotocol/sdk";

const turns = JSON.parse(Buffer.from(process.argv[2] ?? "W10=", "base64").toString("utf8"));
let turn = 0;
let cwd = process.cwd();

const say = (client, sessionId, text) =>
  client.notify(methods.client.session.update, {
    sessionId,
    update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text } },
  });

async function ask(model) {
  const response = await fetch(`${process.env.OPENAI_BASE_URL}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${process.env.OPENAI_API_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Work" }] }),
  });
  const said = await response.text();
  if (!response.ok) throw new Error(`the model said ${response.status}: ${said.slice(0, 300)}`);
}

const steps = {
  write: ({ path, contents }) => {
    mkdirSync(dirname(`${cwd}/${path}`), { recursive: true });
    writeFileSync(`${cwd}/${path}`, contents);
  },
  shell: ({ command }, say) => {
    const { stdout, stderr, status } = spawnSync("/bin/sh", ["-c", command], { cwd, encoding: "utf8" });
    return say(`$ ${command}\n${stdout}${stderr}exit ${status}\n`);
  },
  leave: ({ command }) =>
    void spawn("/bin/sh", ["-c", command], { cwd, detached: true, stdio: "ignore" }).unref(),
  model: ({ model }) => ask(model),
  say: ({ text }, say) => say(text),
  repeat: (_, say, client, sessionId, asked) => say(asked),
  env: (_, say) => say(JSON.stringify(process.env)),
  hang: () => new Promise(() => {}),
  exit: ({ code }) => process.exit(code),
  exitLater: ({ ms }) => void setTimeout(() => process.exit(0), ms),
  garbage: () => void process.stdout.write("this is no JSON\n{]\n"),
  flood: async ({ megabytes }) => {
    const line = `${JSON.stringify({ jsonrpc: "2.0", method: "_noise", params: { x: "x".repeat(64 * 1024) } })}\n`;
    for (let sent = 0; sent < megabytes * 16; sent += 1)
      if (!process.stdout.write(line)) await new Promise((resolve) => process.stdout.once("drain", resolve));
  },
  permission: async ({ title }, say, client, sessionId) => {
    const { outcome } = await client.request(methods.client.session.requestPermission, {
      sessionId,
      toolCall: { toolCallId: "1", title },
      options: [
        { optionId: "a", kind: "allow_always", name: "Always" },
        { optionId: "b", kind: "allow_once", name: "Once" },
        { optionId: "c", kind: "reject_once", name: "No" },
      ],
    });
    await say(`permission: ${outcome.optionId ?? outcome.outcome}\n`);
  },
};

agent({ name: "scripted" })
  .onRequest(methods.agent.initialize, () => ({
    protocolVersion: PROTOCOL_VERSION,
    agentCapabilities: {},
    agentInfo: { name: "scripted", version: "1.0.0" },
  }))
  .onRequest(methods.agent.session.new, ({ params }) => {
    cwd = params.cwd;
    return { sessionId: "s1" };
  })
  .onRequest(methods.agent.session.prompt, async ({ params, client }) => {
    const { sessionId } = params;
    // A process of its own is told what was wrong with the work of the one before.
    if (turn === 0 && params.prompt.some(({ text = "" }) => text.includes("It is not accepted yet")))
      turn = 1;
    const todo = turns[Math.min(turn, turns.length - 1)] ?? [];
    turn += 1;
    const asked = params.prompt.map(({ text = "" }) => text).join("\n");
    for (const step of todo)
      await steps[step.do](step, (text) => say(client, sessionId, text), client, sessionId, asked);
    return { stopReason: "end_turn" };
  })
  .onNotification(methods.agent.session.cancel, () => {})
  .connect(ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin)));
