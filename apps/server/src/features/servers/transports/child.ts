import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { type Text, text } from "@ciclo/contract";
import type { CommandLine } from "../../../lib/sandbox.ts";
import { serverFolder } from "../../../lib/places.ts";
import { markedProcesses } from "./marked.ts";

/** Processes of stdio servers: no shell, an environment of their own, ended with all their children. */

export type ChildSpec = {
  /** The program's absolute path. */
  command: string;
  args: readonly string[];
  /** Puts the command line in the sandbox; null where it runs outside. */
  wrap: ((line: CommandLine) => Promise<CommandLine>) | null;
  /** All that the process gets of an environment. */
  env: Readonly<Record<string, string | undefined>>;
  /** Its folder, and its home. */
  folder: string;
  /** Resident memory of the process with its children. Enforced on Linux. */
  memoryMb: number;
};

export type ChildEnd = {
  /** What became of it, for who reads the server's state. */
  detail: Text;
};

export type Child = {
  pid: number;
  stdin: NodeJS.WritableStream;
  stdout: NodeJS.ReadableStream;
  stderr: NodeJS.ReadableStream;
  ended: Promise<ChildEnd>;
  /** Closes its input, then asks by SIGTERM, then ends it. Resolves when nothing is left. */
  stop(): Promise<void>;
  /** Ends it at once, for a reason. */
  kill(reason: Text): void;
};

const patienceMs = 2000;
const memoryLookMs = 1000;
const goneLookMs = 5;
const markName = "CICLO_CHILD_OF";
/** Of this console; each child has its own behind it. */
const mark = randomBytes(16).toString("hex");
let children = 0;

/** Starts a process. Throws an error with `code` when there is no such program. */
export async function startChild(spec: ChildSpec): Promise<Child> {
  children += 1;
  const ownMark = `${markName}=${mark}-${children}.`;
  const line = spec.wrap === null ? spec : await spec.wrap(spec);
  const child = spawn(line.command, line.args, {
    cwd: spec.folder,
    env: { HOME: spec.folder, ...spec.env, [markName]: `${mark}-${children}.` },
    stdio: ["pipe", "pipe", "pipe"],
    // A group of its own, so that it can be ended with all that it starts.
    detached: true,
  });
  // Errors of a broken pipe are told by the end of the process.
  child.stdin.on("error", () => {});
  const ended = watchEnd(child);
  await started(child);
  const pid = child.pid ?? 0;
  reaper.add(pid);
  let killedFor: Text | null = null;
  const kill = (reason: Text): void => {
    killedFor ??= reason;
    signalGroup(pid, "SIGKILL");
  };
  const forget = watchMemory(pid, spec.memoryMb, kill);
  const over = ended.then(async (end) => {
    forget();
    signalGroup(pid, "SIGKILL");
    await endMarked(ownMark);
    reaper.remove(pid);
    return killedFor === null ? end : { detail: killedFor };
  });
  return {
    pid,
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    ended: over,
    kill,
    async stop() {
      child.stdin.end();
      if (await endsWithin(over, patienceMs)) return;
      // The sandbox itself would end at once, and all that is in it without a word.
      if (spec.wrap === null) signalGroup(pid, "SIGTERM");
      else for (const member of membersOf(pid)) signalProcess(member, "SIGTERM");
      if (await endsWithin(over, patienceMs)) return;
      signalGroup(pid, "SIGKILL");
      await over;
    },
  };
}

/** Ends what a process started and left behind, also in groups of their own. Resolves when all of it is gone. */
async function endMarked(ownMark: string): Promise<void> {
  const until = performance.now() + patienceMs;
  for (let left = markedProcesses(ownMark); left.length > 0; left = markedProcesses(ownMark)) {
    for (const pid of left) signalProcess(pid, "SIGKILL");
    // One that cannot be ended waits for a device; the reaper tries it again.
    if (performance.now() > until) return;
    await wait(goneLookMs);
  }
}

async function started(child: ChildProcess): Promise<void> {
  await once(child, "spawn");
}

function watchEnd(child: ChildProcess): Promise<ChildEnd> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      const how = signal === null ? `code ${code}` : signal;
      resolve({ detail: text(`its process ended (${how})`, `seu processo terminou (${how})`) });
    });
  });
}

async function endsWithin(ended: Promise<unknown>, ms: number): Promise<boolean> {
  const waiting = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => waiting.resolve(false), ms);
  const result = await Promise.race([ended.then(() => true), waiting.promise]);
  clearTimeout(timer);
  return result;
}

function signalProcess(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

const signalGroup = (pid: number, signal: "SIGTERM" | "SIGKILL"): void => signalProcess(-pid, signal);

/** The reaper of this console, started with its first child. */
const reaper = {
  process: null as ChildProcess | null,
  add(pid: number): void {
    this.process ??= startReaper();
    this.process.stdin?.write(`+${pid}\n`);
  },
  remove(pid: number): void {
    this.process?.stdin?.write(`-${pid}\n`);
  },
};

function startReaper(): ChildProcess {
  const script = join(serverFolder, "src/features/servers/transports/reaper.ts");
  const child = spawn(process.execPath, [script, `${markName}=${mark}`], {
    stdio: ["pipe", "ignore", "ignore"],
    env: {},
    detached: true,
  });
  child.stdin.on("error", () => {});
  // One that was ended is restarted with the next child.
  child.once("exit", () => {
    if (reaper.process === child) reaper.process = null;
  });
  child.unref();
  (child.stdin as { unref?(): void }).unref?.();
  return child;
}

/** Processes of a group without its leader. */
const membersOf = (group: number): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== group && Number(statOf(name)[2]) === group)
    .map(Number);

type Watched = { limit: number; kill(reason: Text): void };
const watched = new Map<number, Watched>();
let memoryTimer: NodeJS.Timeout | null = null;

/** Ends a group whose memory goes over the limit. Returns what stops the watching. */
function watchMemory(pid: number, memoryMb: number, kill: (reason: Text) => void): () => void {
  watched.set(pid, { limit: memoryMb, kill });
  memoryTimer ??= setInterval(lookAtMemory, memoryLookMs).unref();
  return () => {
    watched.delete(pid);
    if (watched.size > 0 || memoryTimer === null) return;
    clearInterval(memoryTimer);
    memoryTimer = null;
  };
}

function lookAtMemory(): void {
  for (const [group, bytes] of residentByGroup()) {
    const one = watched.get(group);
    const megabytes = Math.round(bytes / 1_048_576);
    if (one === undefined || megabytes <= one.limit) continue;
    one.kill(
      text(
        `it took ${megabytes} MB; limits.memory_mb is ${one.limit}`,
        `ocupou ${megabytes} MB; limits.memory_mb é ${one.limit}`,
      ),
    );
  }
}

/**
 * Resident bytes of each watched process with all that descends from it or is of its group (proc(5): fields 4 and 5 of
 * `stat`, `VmRSS` of `status`, in kB whatever the page size). Within a sandbox nothing can leave its parents.
 */
function residentByGroup(): Map<number, number> {
  const total = new Map<number, number>();
  if (process.platform !== "linux") return total;
  const processes = new Map<number, { parent: number; group: number }>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const [, parent, group] = statOf(name);
    processes.set(Number(name), { parent: Number(parent), group: Number(group) });
  }
  const ownerOf = (pid: number): number | null => {
    const seen = new Set<number>();
    for (let at = pid; at > 1 && !seen.has(at); at = processes.get(at)?.parent ?? 0) {
      if (watched.has(at)) return at;
      const group = processes.get(at)?.group ?? 0;
      if (watched.has(group)) return group;
      seen.add(at);
    }
    return null;
  };
  for (const pid of processes.keys()) {
    const owner = ownerOf(pid);
    if (owner !== null) total.set(owner, (total.get(owner) ?? 0) + residentOf(pid));
  }
  return total;
}

function residentOf(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    // It ended meanwhile.
    return 0;
  }
}

/** Fields behind the command's name, which may hold spaces: the third is the first. */
function statOf(pid: string): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    // It ended meanwhile.
    return [];
  }
}
