import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { getRequestListener } from "@hono/node-server";
import { type App, type AppDeps, createApp } from "./app.ts";
import { type Config, ConfigError, naming, readConfig } from "./config.ts";
import { type Database, openDatabase } from "./db/dialect.ts";
import { isDatabaseUnavailable } from "./db/unavailable.ts";
import { system } from "./domain/actor.ts";
import type { OperationKind } from "./domain/operations.ts";
import { lockHome } from "./db/home-lock.ts";
import { clearDrafts, privateFolder } from "./lib/files.ts";
import { createLogger } from "./lib/logger.ts";

export type ServeOptions = { onJournal?: (operation: OperationKind, point: string) => void };

/** Requests under way have this long to end, in milliseconds; what goes on behind them, the rest. */
const requestsMs = 10_000;
const shutdownMs = 30_000;
const sweepMs = 50;
/** Between attempts to open PostgreSQL, in milliseconds. */
const firstWaitMs = 250;
const longestWaitMs = 2000;

/** Runs the console until it is told to stop. An invalid setting ends it with code 2 and one line. */
export async function serveConsole(options: ServeOptions = {}): Promise<void> {
  try {
    await start(readConfig(), options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}

async function start(config: Config, options: ServeOptions): Promise<void> {
  const logger = createLogger(config.logLevel);
  const unlockHome = await naming("CICLO_HOME", async () => lockHome(await privateFolder(config.home)));
  await clearDrafts(config.home);
  const { database, app } = await openWhenThere({ config, logger, ...options });
  const server = listenerOf(app);
  server.listen(config.port, config.host, () => {
    announce(config, server.address() as AddressInfo, app).catch((error: unknown) => {
      logger.error({ err: error }, "the first operator could not be made");
    });
  });
  server.on("error", (error) => {
    process.stderr.write(
      `CICLO_HOST, CICLO_PORT: cannot listen on ${config.host}:${config.port}: ${error.message}. For another port: CICLO_PORT=8788 npm start\n`,
    );
    process.exit(2);
  });
  void app.workers.start();
  let stopping: Promise<void> | null = null;
  const stop = (): void => {
    stopping ??= (async () => {
      setTimeout(() => process.exit(1), shutdownMs).unref();
      await closeListener(server, app);
      await app.workers.stop();
      await database.close();
      unlockHome();
    })().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, "the console did not stop well");
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

/** Takes no new request, and lets those under way end. Streams would never end by themselves. */
async function closeListener(server: Server, { features }: App): Promise<void> {
  const closed = once(server, "close");
  server.close();
  features.live.service.close();
  features.gateway.service.closeStreams();
  // A browser keeps its connection after the answer: each is closed once nothing is asked on it any more.
  const sweep = setInterval(() => server.closeIdleConnections(), sweepMs);
  const limit = setTimeout(() => server.closeAllConnections(), requestsMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(limit);
}

/** One HTTP server for both: what is the gateway's goes there without a detour. */
export function listenerOf({ app, features }: Pick<App, "app" | "features">): Server {
  const answer = getRequestListener(app.fetch);
  const { service: gateway } = features.gateway;
  const { service: models } = features.models;
  const { service: otlp } = features.otlp;
  return createServer((request, response) => {
    if (gateway.takes(request)) void gateway.handle(request, response);
    else if (models.takes(request)) void models.handle(request, response);
    else if (otlp.takes(request)) void otlp.handle(request, response);
    else void answer(request, response);
  });
}

type Opening = Omit<AppDeps, "database">;
type Opened = { database: Database; app: App };

/** PostgreSQL may come up after the console does; a file is there or is not. */
async function openWhenThere(opening: Opening): Promise<Opened> {
  const { config, logger } = opening;
  const variable = config.databaseUrl === undefined ? "CICLO_HOME" : "CICLO_DATABASE_URL";
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(longestWaitMs, 2 * waitMs)) {
    try {
      return await open(opening, variable);
    } catch (error) {
      if (config.databaseUrl === undefined || !isDatabaseUnavailable(causeOf(error))) throw error;
      logger.warn({ err: error, retry_in_ms: waitMs }, "PostgreSQL does not answer yet");
      await wait(waitMs);
    }
  }
}

async function open(opening: Opening, variable: string): Promise<Opened> {
  const { config } = opening;
  const database = await naming(variable, () =>
    openDatabase({ url: config.databaseUrl, file: join(config.home, "ciclo.db") }),
  );
  try {
    return { database, app: await createApp({ ...opening, database }) };
  } catch (error) {
    await database.close();
    throw error;
  }
}

const causeOf = (error: unknown): unknown => (error instanceof ConfigError ? error.cause : error);

/** Says where the console is, and on first run how to sign in. */
async function announce(config: Config, info: AddressInfo, { features }: App): Promise<void> {
  const { users, sessions } = features.access.service;
  const host = info.family === "IPv6" ? `[${info.address}]` : info.address;
  const url = `http://${host}:${info.port}`;
  process.stdout.write(`Ciclo is at ${url}\n`);
  const operator = await users.createFirstOperator();
  if (operator === null) {
    // A user was added before the first start, without the role.
    if (!(await users.hasAdmin())) {
      process.stdout.write("Nobody has the role admin. Give it: npx ciclo user grant EMAIL admin\n");
    }
    return;
  }
  const link = await sessions.createLink(system, operator);
  process.stdout.write(
    [
      `First run: ${operator.email} was created with all roles. Data is in ${config.home}.`,
      `Sign in within 15 minutes, once: ${url}/sign-in#${link}`,
      `A token for the command line, which ends this link and open sessions: npx ciclo token rotate ${operator.email}`,
      "",
    ].join("\n"),
  );
}
