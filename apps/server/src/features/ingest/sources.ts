import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "../../lib/files.ts";
import { claude } from "./agents/claude.ts";
import { codex } from "./agents/codex.ts";
import { copilot } from "./agents/copilot.ts";
import { gemini } from "./agents/gemini.ts";
import { opencodeName } from "./agents/opencode.ts";
import { qwen } from "./agents/qwen.ts";
import type { AgentLog } from "./agents/reader.ts";
import type { LineReader } from "./follow.ts";
import { TelemetryReader } from "./telemetry.ts";

/** A kind of log files, and how their lines are read. */
export type LogSource = {
  name: string;
  root: string;
  /** Of paths below the root. */
  files: RegExp;
  readerFor(path: string): LineReader;
  /** Whether lines that cannot be used are kept themselves: those of agents hold what people wrote to them. */
  keepsLines: boolean;
};

/** Rotated (`….jsonl.1`) and packed (`….jsonl.gz`, `….jsonl.1.gz`) files hold lines like any other. */
const telemetryFiles = /^([^/]+)\/[^/]+\.jsonl(?:[.-][\w-]+)?(?:\.gz)?$/;

/** Telemetry of MCP servers: `<root>/<server>/*.jsonl`. */
export function telemetrySource(root: string, now: () => number): LogSource {
  const readers = new Map<string, TelemetryReader>();
  return {
    name: "telemetry",
    root,
    files: telemetryFiles,
    keepsLines: true,
    readerFor(path) {
      const server = telemetryFiles.exec(path)?.[1] ?? "";
      const reader = readers.get(server) ?? new TelemetryReader(server, now);
      readers.set(server, reader);
      return reader;
    },
  };
}

const agentLogs: readonly AgentLog[] = [claude, codex, copilot, gemini, qwen];

/** What an agent wrote in its own folder. Null for one whose log is no lines. */
export function agentSource(agent: string, root: string): LogSource | null {
  const log = agentLogs.find((one) => one.agent === agent);
  if (log === undefined) return null;
  return { name: agent, root, files: log.files, readerFor: () => log, keepsLines: false };
}

/** opencode keeps what it did in a database of its own; its path in a folder. */
export const opencodeDatabase = (agent: string, root: string): string | null =>
  agent === opencodeName ? join(root, "opencode.db") : null;

const mostFiles = 100_000;
const deepest = 12;

/** Paths below a folder of files of a source, in order. Links are not followed. A folder that cannot be read is told of. */
export async function filesOf(
  { root, files }: LogSource,
  onUnreadable: (folder: string, error: unknown) => void,
): Promise<string[]> {
  const found: string[] = [];
  const look = async (folder: string, depth: number): Promise<void> => {
    for (const entry of await entriesOf(join(root, folder), onUnreadable)) {
      if (found.length >= mostFiles) return;
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && depth < deepest) await look(path, depth + 1);
      else if (entry.isFile() && files.test(path)) found.push(path);
    }
  };
  await look("", 0);
  return found.toSorted();
}

async function entriesOf(folder: string, onUnreadable: (folder: string, error: unknown) => void) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    // It may not be there yet, or be gone meanwhile.
    if (!isMissing(error)) onUnreadable(folder, error);
    return [];
  }
}
