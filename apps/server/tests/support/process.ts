import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";
import { whenFileEnds } from "./closing.ts";

/** Arguments that start a console in a process of its own. */
export const consoleArguments = (): string[] => [
  fileURLToPath(new URL("crash-main.ts", import.meta.url)),
  inject("serverBuild"),
];

export type ServerProcess = {
  url: string;
  pid: number;
  output(): string;
  stop(): Promise<void>;
  killGroup(): Promise<void>;
  exited: Promise<unknown>;
};

/** A console in a process of its own, listening on a free port of loopback. */
export async function startProcess(environment: Record<string, string>): Promise<ServerProcess> {
  const started = spawnProcess(environment);
  return { ...started, url: await started.listening };
}

/** The same, before it listens. It leads a process group of its own, so that it can be killed with all it started. */
export function spawnProcess(environment: Record<string, string>) {
  const child = spawn(process.execPath, consoleArguments(), {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      CICLO_PORT: "0",
      CICLO_MCP_LOGS: join(environment["CICLO_HOME"] ?? "", "mcp-logs"),
      CICLO_LOG_LEVEL: "warn",
      ...environment,
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  whenFileEnds(() => child.kill("SIGKILL"));
  const exited = once(child, "exit");
  let output = "";
  const listening = new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const found = /Ciclo is at (\S+)/.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("exit", () => reject(new Error(`the console ended: ${output}`)));
  });
  // Who kills it before it listens does not wait for that.
  listening.catch(() => {});
  const pid = child.pid ?? 0;
  return {
    listening,
    pid,
    exited,
    output: () => output,
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
    /** Kills it with its children, as a power cut or the OOM killer does. */
    async killGroup() {
      process.kill(-pid, "SIGKILL");
      await exited;
    },
  };
}
