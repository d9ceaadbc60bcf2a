import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Client, createClient, type Locale, type Role } from "@ciclo/contract";
import { createApp } from "../app.ts";
import { readConfig } from "../config.ts";
import { openDatabase } from "../db/dialect.ts";
import { system } from "../domain/actor.ts";
import { initBare, openGit } from "../lib/git.ts";
import { privateFolder } from "../lib/files.ts";
import { createLogger } from "../lib/logger.ts";
import { serverFolder } from "../lib/places.ts";
import { listenerOf } from "../serve.ts";
import { commitTo } from "./commit.ts";
import { coupons } from "./coupons.ts";
import { openReplayModel } from "./model.ts";
import { policiesFor } from "./policies.ts";

export type ReplayPerson = { name: string; client: Client; signInLink(): Promise<string> };

/** A console of its own, below a folder, whose models are a replay. */
export type ReplayConsole = {
  url: string;
  /** The repository that there is to work on. */
  repository: string;
  planner: ReplayPerson;
  approver: ReplayPerson;
  close(): Promise<void>;
};

const agent = join(serverFolder, "src/demo/agent.mjs");

/** Opens a replay's console in a folder that is there. Throws what keeps it from opening, and leaves nothing running then. */
export async function openReplayConsole(folder: string, locale: Locale): Promise<ReplayConsole> {
  const open: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const one of open.splice(0).toReversed()) await one();
  };
  try {
    return { ...(await opened(folder, locale, (one) => open.push(one))), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** `whenClosed` takes what is to be done at the end, the last one first. */
async function opened(
  folder: string,
  locale: Locale,
  whenClosed: (work: () => Promise<void>) => void,
): Promise<Omit<ReplayConsole, "close">> {
  const repository = join(folder, "coupons.git");
  const home = join(folder, "console");
  await privateFolder(home);
  const model = await openReplayModel(locale);
  whenClosed(() => model.close());
  const config = readConfig({
    CICLO_HOME: home,
    CICLO_MCP_LOGS: join(home, "mcp-logs"),
    CICLO_LOG_LEVEL: "error",
  });
  const database = await openDatabase({ url: undefined, file: join(home, "ciclo.db") });
  whenClosed(() => database.close());
  const app = await createApp({ config, database, logger: createLogger(config.logLevel), isReplay: true });
  const now = new Date();
  await commitTo(await initBare(repository, "main"), "main", {
    files: coupons,
    message: "feat: begin",
    at: now,
  });
  const policies = policiesFor({ repository, model: model.url, agent });
  const message = "Models and cycles of the replay";
  await commitTo(openGit(join(home, "config.git")), "main", { files: policies, message, at: now });
  const server = listenerOf(app);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  whenClosed(() => closed(server));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  whenClosed(() => app.workers.stop());
  await app.workers.start();
  const { users, sessions } = app.features.access.service;
  const person = async (name: string, ...roles: Role[]): Promise<ReplayPerson> => {
    const email = `${name.toLowerCase()}@replay.localhost`;
    const { token } = await users.add(system, { name, email, roles });
    return {
      name,
      client: createClient({ baseUrl: url, token, locale }),
      signInLink: async () =>
        `${url}/sign-in#${await sessions.createLink(system, await users.find({ email }))}`,
    };
  };
  return {
    url,
    repository,
    planner: await person("Rita", "planner"),
    approver: await person("Bento", "approver"),
  };
}

async function closed(server: Server): Promise<void> {
  const closing = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closing;
}
