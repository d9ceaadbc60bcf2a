import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Role } from "@ciclo/contract";
import { afterAll } from "vitest";
import { createCore } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { openDatabase } from "../../src/db/dialect.ts";
import { system } from "../../src/lib/actor.ts";
import { createLogger } from "../../src/lib/logger.ts";

const crashMain = fileURLToPath(new URL("crash-main.ts", import.meta.url));
const running = new Set<ChildProcess>();
afterAll(() => running.forEach((child) => child.kill("SIGKILL")));

export type ServerProcess = {
  url: string;
  pid: number;
  output(): string;
  stop(): Promise<void>;
  exited: Promise<unknown>;
};

/** A console in a process of its own, listening on a free port of loopback. */
export async function startProcess(
  environment: Record<string, string>,
  crashAt: string[] = [],
): Promise<ServerProcess> {
  const child = spawn(process.execPath, [crashMain, ...crashAt], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      CICLO_PORT: "0",
      CICLO_LOG_LEVEL: "warn",
      ...environment,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  const exited = once(child, "exit").then(() => running.delete(child));
  let output = "";
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const found = /Ciclo is at (\S+)/.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("exit", () => reject(new Error(`the console ended: ${output}`)));
  });
  return {
    url,
    pid: child.pid ?? 0,
    exited,
    output: () => output,
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** Users of a database that no console has open yet, by their roles. Returns their tokens. */
export async function provision(
  environment: Record<string, string>,
  people: Record<string, Role[]>,
): Promise<Record<string, string>> {
  const config = readConfig(environment);
  const database = await openDatabase({ url: config.databaseUrl, file: `${config.home}/ciclo.db` });
  const core = await createCore({ config, database, logger: createLogger("silent"), follows: false });
  const tokens: Record<string, string> = {};
  for (const [name, roles] of Object.entries(people)) {
    const user = await core.users.add(system, { name, email: `${name}@example.com`, roles });
    tokens[name] = user.token;
  }
  await database.close();
  return tokens;
}

/** The whole audit log's verdict, read beside a running console. */
export async function verifyAudit(environment: Record<string, string>) {
  const config = readConfig(environment);
  const database = await openDatabase({ url: config.databaseUrl, file: `${config.home}/ciclo.db` });
  const core = await createCore({ config, database, logger: createLogger("silent"), follows: false });
  const verdict = await core.audit.verify();
  await database.close();
  return verdict;
}

/** Asks until the answer satisfies, at most for half a minute. */
export async function eventually<T>(ask: () => Promise<T>, satisfies: (answer: T) => boolean): Promise<T> {
  const until = Date.now() + 30_000;
  for (;;) {
    const answer = await ask();
    if (satisfies(answer)) return answer;
    if (Date.now() > until) throw new Error(`still not so: ${JSON.stringify(answer).slice(0, 500)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
