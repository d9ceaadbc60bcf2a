import type { Role } from "@ciclo/contract";
import { createServer } from "node:net";
import { once } from "node:events";
import { provision } from "../../../server/tests/support/provision.ts";
import { type ServerProcess, startProcess } from "../../../server/tests/support/process.ts";
import { temporaryFolder } from "../../../server/tests/support/temporary.ts";

export type RunningConsole = ServerProcess & {
  home: string;
  /** The embedded configuration repository. */
  git: string;
  tokens: Record<string, string>;
  environment: Record<string, string>;
};

/** A console in a process of its own, with people in it, on an address that stays when it is started again. */
export async function startConsole(
  people: Record<string, Role[]>,
  settingsAt: (port: number) => Record<string, string> = () => ({}),
): Promise<RunningConsole> {
  const home = await temporaryFolder();
  const port = await freePort();
  const environment = { CICLO_HOME: home, CICLO_PORT: String(port), ...settingsAt(port) };
  const tokens = await provision(environment, people);
  const server = await startProcess(environment);
  return { ...server, home, git: `${home}/config.git`, tokens, environment };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}
