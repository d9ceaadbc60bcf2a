// node bench/agents.ts [FOLDER]: real coding agents against the metering endpoint, which has to say what the wire says.
// Installs them, pinned, in FOLDER (a temporary one when left out), and prints what their own logs and exports say beside it.
import { execFile, execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { runCli } from "../apps/server/src/cli/run.ts";
import { closeAll } from "../apps/server/tests/support/closing.ts";
import { startGateway } from "../apps/server/tests/support/mcp/gateway.ts";
import { modelDouble } from "../apps/server/tests/support/model-double.ts";
import { callsIn } from "../apps/server/tests/support/usage.ts";

const run = promisify(execFile);
const timeout = 120_000;

type Agent = {
  name: string;
  package: string;
  binary: string;
  args: string[];
  /** Below its home, where its own log is read from. */
  logs: string;
  /** What its client speaks. */
  dialect: "anthropic" | "openai" | "google";
};

const agents: Agent[] = [
  {
    name: "claude-code",
    package: "@anthropic-ai/claude-code@2.1.332",
    binary: "claude",
    args: ["-p", "say hello", "--model", "claude-opus-5-5"],
    logs: ".claude",
    dialect: "anthropic",
  },
  {
    name: "codex",
    package: "@openai/codex@0.171.0",
    binary: "codex",
    args: ["exec", "--skip-git-repo-check", "--sandbox", "read-only", "say hello"],
    logs: ".codex",
    dialect: "openai",
  },
  {
    name: "gemini-cli",
    package: "@google/gemini-cli@0.61.0",
    binary: "gemini",
    args: ["-p", "say hello", "-m", "gemini-2.5-pro"],
    logs: ".gemini",
    dialect: "google",
  },
];

const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), "ciclo-bench-agents-"));
let isRight = true;
for (const agent of agents) isRight = (await measure(agent)) && isRight;
await closeAll();
process.exitCode = isRight ? 0 : 1;

async function measure(agent: Agent): Promise<boolean> {
  const place = join(folder, agent.name);
  mkdirSync(place, { recursive: true });
  if (!existsSync(join(place, "node_modules", ".bin", agent.binary)))
    execFileSync("npm", ["install", "--no-audit", "--no-fund", "--prefix", place, agent.package], {
      stdio: "ignore",
    });
  // Not below the temporary folder: Codex would run nothing there.
  const home = mkdtempSync(join(homedir(), ".ciclo-bench-agent-"));
  const model = await modelDouble();
  const root = agent.dialect === "openai" ? `${model.url}/v1` : model.url;
  const gateway = await startGateway(
    [],
    {
      "policies/models.yaml": JSON.stringify({
        id: "models",
        kind: "models",
        title: "Models",
        providers: [{ id: agent.dialect, dialect: agent.dialect, url: root }],
      }),
      "policies/network.yaml": JSON.stringify({
        id: "network",
        kind: "network",
        title: "Network",
        allow_hosts: ["*"],
        allow_private: true,
        require_tls: false,
      }),
    },
    { config: { agentLogs: [{ agent: agent.name, folder: join(home, agent.logs) }] } },
  );
  const person = await gateway.person("planner");
  const { environment, files } = await setUp(agent.name, gateway.url);
  const fill = (value: string): string => value.replaceAll("$CICLO_TOKEN", person.token);
  for (const { path, contents } of files) {
    const file = join(home, path.replace(/^~\//, ""));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, fill(contents));
  }
  const work = join(home, "work");
  mkdirSync(work);
  const running = run(join(place, "node_modules", ".bin", agent.binary), agent.args, {
    cwd: work,
    timeout,
    env: {
      HOME: home,
      PATH: process.env.PATH,
      TERM: "dumb",
      CICLO_TOKEN: person.token,
      IS_SANDBOX: "1",
      GEMINI_CLI_TRUST_WORKSPACE: "true",
      ...Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, fill(value)])),
    },
  });
  // Codex waits for what may come on standard input.
  running.child.stdin?.end();
  const outcome = await running.then(
    ({ stdout }) => stdout.trim().split("\n").at(-1) ?? "",
    (error: Error & { stderr?: string }) => `failed: ${error.stderr?.slice(-300) ?? error.message}`,
  );
  await gateway.ledger.flush();
  const wire = await callsIn(gateway.database.queries);
  await gateway.ingest.read();
  const after = await callsIn(gateway.database.queries);
  const logged = after.filter(({ source }) => source === "log");
  const truth = {
    calls: model.billed.length,
    input: model.billed.reduce((sum, { input }) => sum + input, 0),
    output: model.billed.reduce((sum, { output }) => sum + output, 0),
  };
  const counted = sumsOf(wire, agent);
  const own = sumsOf(await ownWord(agent, home), agent);
  const isRight = wire.length > 0 && said(counted) === said(truth) && logged.length === 0;
  console.log(
    [
      agent.name,
      `answered: ${outcome.slice(0, 60)}`,
      `wire: ${said(truth)}`,
      `ledger: ${said(counted)}, from ${[...new Set(wire.map((row) => row.agent))].join(", ")}`,
      `its own log: ${said(own)}`,
      `difference of its log to the wire: ${said({
        calls: own.calls - truth.calls,
        input: own.input - truth.input,
        output: own.output - truth.output,
      })}`,
      `its own log and export say of calls that the endpoint did not see: ${logged.length}`,
      isRight ? "right" : "WRONG",
    ].join("\n  "),
  );
  cpSync(home, join(place, "home"), { recursive: true, force: true });
  return isRight;
}

type Sums = { calls: number; input: number; output: number };

function said({ calls, input, output }: Sums): string {
  return `${calls} calls, ${input} tokens in, ${output} out`;
}

/** Input as the double bills it: as each API counts it, which is without caches at Anthropic alone. */
function sumsOf(rows: Awaited<ReturnType<typeof callsIn>>, { dialect }: Agent): Sums {
  const inputOf = (row: (typeof rows)[number]): number =>
    (row.input ?? 0) +
    (dialect === "anthropic" ? 0 : row.cache_read + row.cache_write_short + row.cache_write_long);
  return {
    calls: rows.length,
    input: rows.reduce((sum, row) => sum + inputOf(row), 0),
    output: rows.reduce((sum, { output }) => sum + (output ?? 0), 0),
  };
}

/** What an agent's log says on its own: read by a console that saw none of its calls. */
async function ownWord({ name, logs }: Agent, home: string) {
  const config = { agentLogs: [{ agent: name, folder: join(home, logs) }] };
  const apart = await startGateway([], {}, { config });
  await apart.ingest.read();
  await apart.ledger.flush();
  return callsIn(apart.database.queries);
}

type SetUp = { environment: Record<string, string>; files: { path: string; contents: string }[] };

/** As `ciclo llm client` writes it. */
async function setUp(agent: string, url: string): Promise<SetUp> {
  process.env.CICLO_URL = url;
  let printed = "";
  await runCli(["llm", "client", agent, "--telemetry", "--json"], {
    out: (line) => void (printed += line),
    err: (line) => void process.stderr.write(`${line}\n`),
    readInput: () => Promise.resolve(""),
    readFile: () => Promise.resolve(""),
    readBytes: () => Promise.resolve(Buffer.alloc(0)),
    writeFile: () => Promise.resolve(),
    paint: (_, text) => text,
  });
  return JSON.parse(printed) as SetUp;
}
