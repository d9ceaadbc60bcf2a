import {
  mcpClients,
  type McpClient,
  type Planned,
  type ServerDetail,
  type ServerSummary,
  type Validation,
} from "@ciclo/contract";
import { connect, showPlan, stepLine, valueFromInput, writePlan } from "./client.ts";
import { type Command, command, type Io, option, repeated, UsageError } from "./command.ts";

const colours = {
  healthy: "green",
  starting: "dim",
  degraded: "yellow",
  down: "red",
  quarantined: "red",
} as const;

const serverLines = (server: ServerSummary, io: Io): string[] => [
  [
    server.id.padEnd(24),
    io.paint(colours[server.state], server.state.padEnd(11)),
    server.transport.padEnd(15),
    `${server.tools.offered} tools${server.tools.withheld === 0 ? "" : `, ${server.tools.withheld} withheld`}`,
  ].join("  "),
  ...(server.detail === null ? [] : [`    ${server.detail}`]),
];

const showServer = (server: ServerDetail, io: Io): string[] => [
  ...serverLines(server, io),
  `    ${server.target}`,
  ...server.keys.map(({ name, reference }) => `    ${name}: ${reference}`),
  ...server.tool_list.map(
    (tool) =>
      `  ${tool.state.padEnd(9)} ${tool.name}${tool.reason === null ? "" : `  ${io.paint("yellow", tool.reason)}`}`,
  ),
  ...server.log.slice(-10).map(({ at, line }) => io.paint("dim", `  ${at}  ${line}`)),
];

const showValidation = ({ steps, tools }: Validation, io: Io): string[] => [
  ...steps.map((step) => stepLine(step, io)),
  ...tools.map(
    (tool) => `  ${tool.name}${tool.problem === null ? "" : `  ${io.paint("red", tool.problem)}`}`,
  ),
];

function clientNamed(text: string): McpClient {
  const client = mcpClients.find((each) => each === text);
  if (client === undefined) throw new UsageError(`${text} is no client; there are: ${mcpClients.join(", ")}`);
  return client;
}

/** `NAME=secret:…` as it is, `NAME=-` from standard input. */
async function authOf(settings: readonly string[], io: Io): Promise<Record<string, string>> {
  const auth: Record<string, string> = {};
  for (const setting of settings) {
    const cut = setting.indexOf("=");
    const [name, source] = [setting.slice(0, cut), setting.slice(cut + 1)];
    if (cut < 1) throw new UsageError(`--auth ${setting}: takes NAME=-, or NAME=secret:provider/NAME`);
    if (source === "-") auth[name] = await valueFromInput(io, `the value of ${name}`);
    else if (source.includes("secret:")) auth[name] = source;
    else
      throw new UsageError(
        `--auth ${name}: a value does not belong on a command line, where others can read it. Give ${name}=- and the value on standard input`,
      );
  }
  return auth;
}

const isPlanned = (answer: Partial<Planned>): answer is Planned =>
  answer.plan !== undefined && answer.patch !== undefined && answer.preview !== undefined;

export const serverCommands: Command[] = [
  command({
    name: "onboard",
    usage:
      "ciclo onboard NAME (--url U | --command C [--arg A]…) [--repository R] [--transport T] [--session shared|per_caller] [--title T] [--capability C]… [--auth NAME=-]… [--validate] [--out plan.json]",
    summary:
      "Shake hands with an MCP server, and plan its manifest, registry entry, tool lock and README. --validate only shakes hands.",
    examples: [
      "ciclo onboard catalog --url https://catalog.example.com/mcp --out plan.json",
      "ciclo onboard files --command mcp-server-filesystem --arg /srv/docs --validate",
      'printf %s "$TOKEN" | ciclo onboard hub --url https://hub.example.com/mcp --auth Authorization=-',
    ],
    options: {
      url: { type: "string" },
      command: { type: "string" },
      arg: { type: "string", multiple: true },
      repository: { type: "string" },
      transport: { type: "string" },
      session: { type: "string" },
      title: { type: "string" },
      capability: { type: "string", multiple: true },
      auth: { type: "string", multiple: true },
      validate: { type: "boolean" },
      out: { type: "string" },
    },
    takes: { min: 1, max: 1 },
    async run({ positionals: [name = ""], values, io }) {
      const [url, program, title] = [
        option(values, "url"),
        option(values, "command"),
        option(values, "title"),
      ];
      if ((url === undefined) === (program === undefined)) throw new UsageError("give --url or --command");
      const [transport, session] = [option(values, "transport"), option(values, "session")];
      const capabilities = repeated(values, "capability");
      const answer = await connect().call("onboard", {
        body: {
          intent: values.validate === true ? "validate" : "plan",
          agent_name: name,
          repository: option(values, "repository") ?? name,
          ...(url === undefined ? { command: program, args: repeated(values, "arg") } : { endpoint: url }),
          ...(transport === undefined ? {} : { transport: transport as "sse" }),
          ...(session === undefined ? {} : { session: session as "shared" }),
          ...(title === undefined ? {} : { title }),
          ...(capabilities.length === 0 ? {} : { capabilities }),
          auth: await authOf(repeated(values, "auth"), io),
        },
      });
      if (!answer.validation.ok) process.exitCode = 1;
      if (isPlanned(answer)) await writePlan(io, values, answer);
      return answer;
    },
    show: (answer, io) => [
      ...showValidation(answer.validation, io),
      ...(isPlanned(answer) ? ["", ...showPlan(answer, io)] : []),
    ],
  }),
  command({
    name: "servers",
    usage: "ciclo servers",
    summary: "MCP servers of the live configuration, as they are.",
    examples: ["ciclo servers", "ciclo servers --json"],
    takes: { min: 0, max: 0 },
    run: async () => (await connect().call("listServers")).items,
    show: (servers, io) =>
      servers.length === 0
        ? ["No servers yet: ciclo onboard NAME --url …, or ciclo servers import cursor .cursor/mcp.json"]
        : servers.flatMap((server) => serverLines(server, io)),
  }),
  command({
    name: "servers show",
    usage: "ciclo servers show ID",
    summary: "One server with its tools, keys and log.",
    examples: ["ciclo servers show catalog"],
    takes: { min: 1, max: 1 },
    run: ({ positionals: [id = ""] }) => connect().call("getServer", { params: { id } }),
    show: showServer,
  }),
  command({
    name: "servers probe",
    usage: "ciclo servers probe ID",
    summary: "Look at a server now.",
    examples: ["ciclo servers probe catalog"],
    takes: { min: 1, max: 1 },
    run: ({ positionals: [id = ""] }) => connect().call("probeServer", { params: { id } }),
    show: serverLines,
  }),
  command({
    name: "servers restart",
    usage: "ciclo servers restart ID",
    summary: "Reconnect a server, or restart its process; calls under way end on the old one.",
    examples: ["ciclo servers restart catalog"],
    takes: { min: 1, max: 1 },
    run: ({ positionals: [id = ""] }) => connect().call("restartServer", { params: { id } }),
    show: serverLines,
  }),
  command({
    name: "servers diff",
    usage: "ciclo servers diff ID TOOL",
    summary: "A tool's definition as approved and as offered now.",
    examples: ["ciclo servers diff catalog search"],
    takes: { min: 2, max: 2 },
    run: ({ positionals: [id = "", tool = ""] }) => connect().call("getServerTool", { params: { id, tool } }),
    show: ({ name, state, reason, approved, offered }, io) => [
      `${name}  ${state}${reason === null ? "" : `  ${reason}`}`,
      ...(approved ?? "not approved").split("\n").map((line) => io.paint("red", `- ${line}`)),
      ...(offered ?? "not offered").split("\n").map((line) => io.paint("green", `+ ${line}`)),
    ],
  }),
  command({
    name: "servers accept",
    usage: "ciclo servers accept ID [TOOL…] [--out plan.json]",
    summary: "Plan to accept tools as they are offered now; all that differ when none is named.",
    examples: ["ciclo servers accept catalog search --out plan.json"],
    options: { out: { type: "string" } },
    takes: { min: 1, max: 500 },
    async run({ positionals: [id = "", ...tools], values, io }) {
      const body = tools.length === 0 ? {} : { tools };
      const planned = await connect().call("acceptTools", { params: { id }, body });
      await writePlan(io, values, planned);
      return planned;
    },
    show: showPlan,
  }),
  command({
    name: "servers import",
    usage: `ciclo servers import CLIENT FILE [--write] [--out plan.json]`,
    summary: `Plan the servers of a client's mcp.json, with their keys moved to the store. --write points the file to the gateway. CLIENT is one of: ${mcpClients.join(", ")}.`,
    examples: ["ciclo servers import cursor .cursor/mcp.json --write --out plan.json"],
    options: { write: { type: "boolean" }, out: { type: "string" } },
    takes: { min: 2, max: 2 },
    async run({ positionals: [client = "", file = ""], values, io }) {
      const named = clientNamed(client);
      const contents = await io.readFile(file);
      const answer = await connect().call("importServers", {
        body: { client: named, contents },
      });
      if (answer.planned !== null) await writePlan(io, values, answer.planned);
      if (values.write === true) {
        await io.writeFile(`${file}.before-ciclo`, contents);
        await io.writeFile(file, answer.rewritten.contents);
        const note = `${file}.before-ciclo holds its keys as they were; delete it once the plan has landed`;
        return {
          ...answer,
          rewritten: { ...answer.rewritten, notes: [...answer.rewritten.notes, note] },
        };
      }
      return answer;
    },
    show: ({ servers, planned, rewritten }, io) => [
      ...servers.map(
        ({ name, id, outcome, reason, keys }) =>
          `${io.paint(outcome === "planned" ? "green" : "yellow", outcome.padEnd(8))} ${name} → ${id}${keys.length === 0 ? "" : `  ${keys.join(", ")}`}${reason === null ? "" : `  ${reason}`}`,
      ),
      ...(planned === null ? [] : ["", ...showPlan(planned, io)]),
      "",
      `${rewritten.path}, pointing to the gateway:`,
      rewritten.contents.trimEnd(),
      ...rewritten.notes,
    ],
  }),
  command({
    name: "servers client",
    usage: "ciclo servers client CLIENT [--server ID]",
    summary: `Configuration for a client to reach the gateway. CLIENT is one of: ${mcpClients.join(", ")}.`,
    examples: ["ciclo servers client claude-code > .mcp.json"],
    options: { server: { type: "string" } },
    takes: { min: 1, max: 1 },
    run({ positionals: [client = ""], values }) {
      const server = option(values, "server");
      return connect().call("exportClient", {
        query: { client: clientNamed(client), ...(server === undefined ? {} : { server }) },
      });
    },
    show: ({ contents }) => [contents.trimEnd()],
  }),
];
