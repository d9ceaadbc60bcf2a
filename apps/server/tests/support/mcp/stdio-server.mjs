// A small MCP server over stdio, for what a well-behaved one does not do. Speaks 2025-11-25 by hand.
// node stdio-server.mjs [behaviour…]
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const behaviours = new Set(process.argv.slice(2));
const does = (name) => behaviours.has(name);
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
const kept = [];

// Processes that it starts: one of its own group, one that leaves it. They can be told by its arguments.
const startSleep = (detached) =>
  spawn("sleep", ["600"], {
    stdio: "ignore",
    detached,
    env: { ...process.env, STARTED_BY: process.argv.join(" ") },
  });
if (does("grandchild")) startSleep(false);
if (does("escapee")) startSleep(true).unref();
if (does("chatty")) process.stdout.write("Listening…\n");
if (does("tells")) process.stderr.write(`the token is ${process.env.TOKEN}\n`);
if (does("tells-late")) {
  // Where lines are cut, at each of a few places in the value.
  for (let before = 1970; before < 2000; before += 3) {
    const line = `${"x".repeat(before)}${process.env.TOKEN} and more\n`;
    process.stderr.write(line);
    process.stdout.write(line);
  }
}
if (does("tells-proxy")) process.stderr.write(`the proxy is ${process.env.HTTPS_PROXY}\n`);
if (does("environment"))
  process.stderr.write(`environment ${Object.keys(process.env).toSorted().join(" ")}\n`);
if (does("exits")) process.exit(3);
if (does("lingers")) {
  process.on("SIGTERM", () => {});
  setInterval(() => {}, 1000);
}

/** `file:<path>` makes the description of the echo tool what the file holds. */
const file = process.argv.find((argument) => argument.startsWith("file:"))?.slice(5);
const description = () => (file === undefined ? "Says it again" : readFileSync(file, "utf8").trim());
const tools = () => [
  {
    name: "echo",
    description: description(),
    inputSchema: { type: "object", properties: { text: { type: "string" } } },
  },
  { name: "crash", description: "Ends the server", inputSchema: { type: "object" } },
  { name: "hog", description: "Takes memory", inputSchema: { type: "object" } },
  { name: "slow", description: "Takes its time", inputSchema: { type: "object" } },
  { name: "secret", description: "Which token it was started with", inputSchema: { type: "object" } },
  ...(does("hands") ? [{ name: "attempt", description: "Touches", inputSchema: { type: "object" } }] : []),
];

/** What a program finds that looks around: contents, names in a folder, or the error's code. */
const attempts = {
  read: ({ path }) => readFileSync(path, "latin1"),
  list: ({ path }) => readdirSync(path).join(" "),
  write: ({ path }) => `wrote ${writeFileSync(path, "here") ?? path}`,
  environment: ({ name }) => String(process.env[name]),
  arguments: () => JSON.stringify(process.argv.slice(2)),
};
function attempt({ what, ...how }) {
  try {
    return attempts[what](how);
  } catch (error) {
    return error.code;
  }
}

const text = (said) => ({ content: [{ type: "text", text: said }] });

function call({ id, params }) {
  if (params.name === "crash") process.exit(1);
  if (params.name === "hog") {
    for (let part = 0; part < 40; part += 1) kept.push(Buffer.alloc(16 * 1024 * 1024, part + 1));
    return setInterval(() => kept.length, 1000);
  }
  if (params.name === "slow")
    return setTimeout(() => send({ id, result: text("done") }), Number(params.arguments?.ms ?? 500));
  if (params.name === "attempt") return send({ id, result: text(attempt(params.arguments)) });
  if (params.name === "secret") return send({ id, result: text(process.env.TOKEN ?? "none") });
  return send({ id, result: text(String(params.arguments?.text)) });
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const message = JSON.parse(line);
  if (message.method === "initialize") {
    if (does("refuses") && process.env.TOKEN !== "good") process.exit(1);
    return send({
      id: message.id,
      result: {
        protocolVersion: "2025-11-25",
        capabilities: { tools: {} },
        serverInfo: { name: "fixture", version: "1.0.0" },
      },
    });
  }
  if (message.method === "server/discover" && does("abrupt")) process.exit(1);
  if (message.method === "ping") return send({ id: message.id, result: {} });
  if (message.method === "tools/list") return send({ id: message.id, result: { tools: tools() } });
  if (message.method === "tools/call") return call(message);
  if (message.id !== undefined)
    return send({ id: message.id, error: { code: -32601, message: "Method not found" } });
});
