import { readFile, writeFile } from "node:fs/promises";
import { isUtf8 } from "node:buffer";
import { buffer } from "node:stream/consumers";
import { parseArgs, styleText } from "node:util";
import { negotiateLocale, ProblemError, showHidden, showHiddenIn } from "@ciclo/contract";
import { ConfigError, readClientConfig, version } from "../config.ts";
import { Refusal } from "../errors.ts";
import { auditCommands } from "./audit.ts";
import { type Command, type Io, UsageError } from "./command.ts";
import { cycleRecordCommands } from "./cycle-records.ts";
import { cycleCommands } from "./cycles.ts";
import { demoCommands } from "./demo.ts";
import { keyCommands } from "./keys.ts";
import { llmCommands } from "./llm.ts";
import { masterKeyCommands } from "./master-key.ts";
import { runPauseCommands } from "./run-pauses.ts";
import { runTokenCommands } from "./run-tokens.ts";
import { remoteCommands } from "./remote.ts";
import { serverCommands } from "./servers.ts";
import { usageCommands } from "./usage.ts";
import { userCommands } from "./users.ts";

const commands: Command[] = [
  ...userCommands,
  ...remoteCommands,
  ...serverCommands,
  ...keyCommands,
  ...usageCommands,
  ...llmCommands,
  ...runTokenCommands,
  ...runPauseCommands,
  ...cycleCommands,
  ...cycleRecordCommands,
  ...demoCommands,
  ...masterKeyCommands,
  ...auditCommands,
];
const exitCodes = { done: 0, refused: 1, usage: 2 } as const;

/** A file that was named and cannot be read or written is said in one line. */
async function reaching<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : "cannot be used"}`);
  }
}

/** Text as it was given. Decoded all the same, what is no UTF-8 would become another key, or another file. */
function decoded(what: string, given: Buffer): string {
  if (isUtf8(given)) return given.toString("utf8");
  throw new UsageError(`${what} is not UTF-8. Convert it first, as with: iconv -f latin1 -t utf-8`);
}

const terminal: Io = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  readInput: async () => decoded("standard input", await buffer(process.stdin)),
  readFile: async (path) => decoded(path, await reaching(path, readFile(path))),
  readBytes: (path) => reaching(path, readFile(path)),
  writeFile: (path, contents) => reaching(path, writeFile(path, contents, { mode: 0o600 })),
  paint: (colour, line) => (process.stdout.isTTY ? styleText(colour, line) : line),
};

/** Runs one command line. Returns the exit code: 0 done, 1 refused, 2 not understood. */
export async function runCli(args: readonly string[], io: Io = terminal): Promise<number> {
  try {
    return await dispatch(args, io);
  } catch (error) {
    return explain(error, io);
  }
}

/** What servers and colleagues wrote goes to a terminal with nothing hidden in it: no control, no direction, no invisible letter. */
async function dispatch(args: readonly string[], io: Io): Promise<number> {
  if (args[0] === "--version") io.out(version);
  const chosen = choose(args);
  const wantsHelp = args.includes("--help") || args.includes("-h") || args[0] === "help";
  if (args[0] === "--version") return exitCodes.done;
  if (chosen === undefined) {
    const group = commands.filter(
      ({ name }) => args[0] !== undefined && `${name} `.startsWith(`${args[0]} `),
    );
    const asksForAll = args[0] === undefined || /^(help|--help|-h)$/.test(args[0]);
    if (!asksForAll && !(wantsHelp && group.length > 0)) throw new UsageError(unknown(args, group));
    overview(group.length > 0 ? group : commands).forEach((line) => io.out(line));
    return exitCodes.done;
  }
  if (wantsHelp) {
    help(chosen).forEach((line) => io.out(line));
    return exitCodes.done;
  }
  const { values, positionals } = parse(chosen, args.slice(chosen.name.split(" ").length));
  const json = values.json === true;
  const result = await chosen.run({ values, positionals, json, io });
  const lines =
    json || chosen.show === undefined
      ? [JSON.stringify(result)]
      : chosen.show(showHiddenIn(result) as never, io);
  lines.forEach((line) => io.out(line));
  return typeof process.exitCode === "number" ? process.exitCode : exitCodes.done;
}

/** What there is instead: the commands of the group that was named, or where all of them are listed. */
function unknown(args: readonly string[], group: readonly Command[]): string {
  const instead = group.map(({ usage }) => `  ${usage}`);
  const asked = args.slice(0, group.length > 0 ? 2 : 1).join(" ");
  return [`no command ${asked}`, ...(instead.length > 0 ? instead : ["ciclo --help lists them"])].join("\n");
}

/** The command that most of the words name: `servers show` before `servers`. */
const choose = (args: readonly string[]): Command | undefined =>
  commands
    .filter(({ name }) => name === args.slice(0, name.split(" ").length).join(" "))
    .toSorted((a, b) => b.name.length - a.name.length)[0];

function parse(chosen: Command, args: readonly string[]) {
  try {
    const parsed = parseArgs({
      args: [...args],
      options: { ...chosen.options, json: { type: "boolean" } },
      allowPositionals: true,
      strict: true,
    });
    const { min, max } = chosen.takes;
    const count = parsed.positionals.length;
    if (count < min || count > max) throw new UsageError(`usage: ${chosen.usage}`);
    return parsed;
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(`${error.message}\nusage: ${chosen.usage}`);
    throw error;
  }
}

const help = (chosen: Command): string[] => [
  chosen.summary,
  "",
  `Usage: ${chosen.usage} [--json]`,
  "",
  "Examples:",
  ...chosen.examples.map((example) => `  ${example}`),
];

const overview = (shown: readonly Command[]): string[] => [
  "ciclo: the operations console for MCP servers, agents and agent-run delivery",
  "",
  ...shown.map(({ usage, summary }) => `  ${usage}\n      ${summary.split("\n")[0]}`),
  "",
  "Each command has --help with examples, and --json. CICLO_URL and CICLO_TOKEN say where and as whom.",
  "user, token and audit commands, and keys rotate-master, act on the database of CICLO_HOME or CICLO_DATABASE_URL directly.",
  `Exit codes: ${exitCodes.done} done, ${exitCodes.refused} refused or failed, ${exitCodes.usage} not understood.`,
];

function explain(error: unknown, io: Io): number {
  if (error instanceof UsageError || error instanceof ConfigError) {
    io.err(error.message);
    return exitCodes.usage;
  }
  if (error instanceof ProblemError) {
    const { detail, code, errors = [] } = showHiddenIn(error.problem);
    io.err(`${detail} [${code}]`);
    errors.forEach(({ path, message }) => io.err(`  ${path}: ${message}`));
    return exitCodes.refused;
  }
  if (error instanceof Refusal) {
    const locale = negotiateLocale(readClientConfig().locale);
    io.err(`${error.detail[locale]} [${error.code}]`);
    error.errors.forEach(({ path, message }) => io.err(`  ${path}: ${message[locale]}`));
    return exitCodes.refused;
  }
  if (isConnectionError(error)) {
    io.err(
      `${readClientConfig().url} does not answer. Is the console running (npm start)? CICLO_URL says where.`,
    );
    return exitCodes.refused;
  }
  io.err(showHidden(error instanceof Error ? (error.stack ?? error.message) : String(error)));
  return exitCodes.refused;
}

const isConnectionError = (error: unknown): boolean =>
  error instanceof TypeError && error.message === "fetch failed";
