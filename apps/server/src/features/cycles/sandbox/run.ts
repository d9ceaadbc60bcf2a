import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { type Text, text } from "@ciclo/contract";
import { Refusal } from "../../../errors.ts";
import type { CommandLine, Sandbox, SandboxRules } from "../../../lib/sandbox.ts";
import { descendantsOf } from "./descendants.ts";
import type { Frame, Recorder } from "./recorder.ts";

export type Limits = {
  timeoutMs: number;
  /** Of each stream so much is kept: its beginning and its end, in bytes. More of it is read and dropped. */
  outputBytes: number;
  /** Of all its processes together: more, and they are ended. */
  memoryBytes: number;
  processes: number;
};

export type Ran = {
  /** Null where it was ended. */
  code: number | null;
  /** Why the console ended it; null where it ended on its own. */
  ended: "timeout" | "memory" | "processes" | "cancelled" | null;
  stdout: Kept;
  stderr: Kept;
  ms: number;
  /** What it printed, and when, where that was to be recorded. */
  frames: readonly Frame[];
};

/** A program that one talks to while it runs. */
export type Started = {
  stdin: Writable;
  stdout: Readable;
  /** Resolves once it has ended, and all that it started with it. */
  ended: Promise<Omit<Ran, "stdout" | "frames">>;
  /** Ends it, and all that it started. */
  end(): void;
};

/** What is kept of a stream; `dropped` bytes of its middle are not. */
export type Kept = { bytes: Buffer; dropped: number };

export type Job = {
  line: CommandLine;
  rules: SandboxRules;
  /** All of its environment. */
  env: Readonly<Record<string, string>>;
  limits: Limits;
  input?: string | Buffer;
  signal?: AbortSignal;
  /** Of both streams. */
  recorder?: Recorder;
};

const lookEveryMs = 200;

/** Nothing of a cycle runs without one. */
const noSandbox = (why: Text): Refusal =>
  new Refusal(
    "policy_denied",
    text(
      `Cycles run in a sandbox, and there is none: ${why.en}`,
      `Ciclos rodam em uma sandbox, e não há nenhuma: ${why["pt-BR"]}`,
    ),
  );

/**
 * Runs a program within the sandbox to its end, and whatever it started with it: none of its processes is left then. It is
 * ended where it takes too long, too much memory or too many processes, and when the console dies. Throws a `Refusal`
 * (`policy_denied`) where there is no sandbox.
 */
export async function runInSandbox(sandbox: Sandbox, job: Job): Promise<Ran> {
  const started = await startInSandbox(sandbox, job);
  const stdout = new Keeper(job.limits.outputBytes);
  started.stdout.on("data", (chunk: Buffer) => stdout.add(chunk));
  if (job.recorder !== undefined) started.stdout.on("data", job.recorder.stream());
  started.stdin.end(job.input ?? "");
  const ran = await started.ended;
  return { ...ran, stdout: stdout.kept(), frames: job.recorder?.frames() ?? [] };
}

/** Starts a program as `runInSandbox` does, for whoever talks to it. */
export async function startInSandbox(sandbox: Sandbox, job: Job): Promise<Started> {
  const state = await sandbox.state();
  if (!state.available) throw noSandbox(state.why);
  const { command, args } = await sandbox.wrap(job.line, job.rules);
  job.signal?.throwIfAborted();
  const startedAt = performance.now();
  const child = spawn(command, args, { env: { ...job.env }, stdio: ["pipe", "pipe", "pipe"] });
  const stderr = new Keeper(job.limits.outputBytes);
  child.stderr.on("data", (chunk: Buffer) => stderr.add(chunk));
  if (job.recorder !== undefined) child.stderr.on("data", job.recorder.stream());
  // It may end before it has read everything.
  child.stdin.on("error", () => {});
  const watch = watching(child, job);
  const ended = endOf(child)
    .then((code) => ({
      code: watch.ended === null ? code : null,
      ended: watch.ended,
      stderr: stderr.kept(),
      ms: performance.now() - startedAt,
    }))
    .finally(() => watch.stop());
  return { stdin: child.stdin, stdout: child.stdout, ended, end: () => void child.kill("SIGKILL") };
}

const endOf = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code));
  });

/** Ends a program that goes beyond its limits. With bubblewrap, which is its init, ends all that it started. */
function watching(child: ChildProcess, { limits, signal }: Job) {
  const watch = { ended: null as Ran["ended"], stop: (): void => {} };
  const end = (why: Exclude<Ran["ended"], null>): void => {
    watch.ended ??= why;
    child.kill("SIGKILL");
  };
  const timeout = setTimeout(() => end("timeout"), limits.timeoutMs);
  const look = setInterval(() => {
    void lookAt(child, limits, end);
  }, lookEveryMs);
  const cancel = (): void => end("cancelled");
  signal?.addEventListener("abort", cancel, { once: true });
  watch.stop = () => {
    clearTimeout(timeout);
    clearInterval(look);
    signal?.removeEventListener("abort", cancel);
  };
  return watch;
}

async function lookAt(
  { pid = 0 }: ChildProcess,
  limits: Limits,
  end: (why: "memory" | "processes") => void,
): Promise<void> {
  const { count, memoryBytes } = await descendantsOf(pid);
  if (memoryBytes > limits.memoryBytes) end("memory");
  else if (count > limits.processes) end("processes");
}

/** Keeps the beginning and the end of a stream. */
class Keeper {
  readonly #half: number;
  readonly #head: Buffer[] = [];
  #headBytes = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #dropped = 0;

  constructor(most: number) {
    this.#half = Math.ceil(most / 2);
  }

  add(chunk: Buffer): void {
    const room = this.#half - this.#headBytes;
    const first = chunk.subarray(0, Math.max(0, room));
    if (first.length > 0) {
      this.#head.push(first);
      this.#headBytes += first.length;
    }
    const rest = chunk.subarray(first.length);
    if (rest.length === 0) return;
    this.#tail.push(rest);
    this.#tailBytes += rest.length;
    // Cut now and then: each cut copies what is kept.
    if (this.#tailBytes > 2 * this.#half) this.#cut();
  }

  #cut(): void {
    const all = Buffer.concat(this.#tail);
    const kept = Buffer.from(all.subarray(Math.max(0, all.length - this.#half)));
    this.#dropped += all.length - kept.length;
    this.#tail = [kept];
    this.#tailBytes = kept.length;
  }

  kept(): Kept {
    this.#cut();
    return { bytes: Buffer.concat([...this.#head, ...this.#tail]), dropped: this.#dropped };
  }
}
