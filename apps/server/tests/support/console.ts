import { randomBytes } from "node:crypto";
import {
  type Client,
  createClient,
  type Planned,
  type PlanExecutionResult,
  type Problem,
  ProblemError,
  type Role,
} from "@ciclo/contract";
import { type App, type AppDeps, createApp } from "../../src/app.ts";
import { type Config, readConfig } from "../../src/config.ts";
import { type Database, openSqliteDatabase } from "../../src/db/dialect.ts";
import { system } from "../../src/domain/actor.ts";
import type { BackgroundWork } from "../../src/domain/feature.ts";
import { createLogger } from "../../src/lib/logger.ts";
import { whenFileEnds } from "./closing.ts";
import { temporaryFolder } from "./temporary.ts";

/** A whole console in this process: real git, real database, no listener. */
export type TestConsole = Awaited<ReturnType<typeof startConsole>>;
export type Person = { client: Client; token: string; id: string; email: string; name: string };

export type ConsoleOptions = {
  database?: Database;
  config?: Partial<Config>;
  clock?: AppDeps["clock"];
  freeBytes?: AppDeps["freeBytes"];
};

const open: { database: Database; workers: BackgroundWork }[] = [];

async function closeConsoles(): Promise<void> {
  const running = open.splice(0);
  // What goes on behind a change ends before its database does, on every node.
  await Promise.all(running.map(({ workers }) => workers.stop()));
  for (const { database } of running) await database.close();
}

export async function startConsole(options: ConsoleOptions = {}) {
  const home = options.config?.home ?? (await temporaryFolder());
  const database = options.database ?? (await openSqliteDatabase(":memory:"));
  const environment = { CICLO_HOME: home, CICLO_MCP_LOGS: `${home}/mcp-logs`, CICLO_LOG_LEVEL: "silent" };
  const config = { ...readConfig(environment), ...options.config };
  const app = await createApp({
    config,
    database,
    logger: createLogger("silent"),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.freeBytes === undefined ? {} : { freeBytes: options.freeBytes }),
  });
  const { features } = app;
  const services = servicesOf(app);
  if (open.length === 0) whenFileEnds(closeConsoles);
  open.push({ database, workers: app.workers });
  // What a person would notice: the others work when a test asks them to.
  await Promise.all([features.live, features.usage].map(({ workers }) => workers.start()));
  const request = (path: string, init: RequestInit = {}): Promise<Response> =>
    Promise.resolve(app.app.request(path.replace("http://test", ""), init));
  const clientOf = (token?: string, locale = "en"): Client =>
    createClient({ baseUrl: "http://test", token, locale, fetch: request });
  let people = 0;
  return {
    ...app,
    ...services,
    home,
    config,
    database,
    request,
    clientOf,
    git: `${home}/config.git`,
    /** A user with these roles, and a client that acts as them. */
    async person(...roles: Role[]): Promise<Person> {
      people += 1;
      const email = `person-${people}-${randomBytes(3).toString("hex")}@example.com`;
      const user = await services.users.add(system, { name: `Person ${people}`, email, roles });
      return { client: clientOf(user.token), token: user.token, id: user.id, email, name: user.name };
    },
  };
}

/** The services by the names that tests call them by. */
function servicesOf({ features }: App) {
  const { access, usage } = features;
  return {
    ...access.service,
    ...usage.service,
    audit: features.audit.service,
    assistant: features.assistant.service,
    plans: features.plans.service,
    changes: features.changes.service,
    canary: features.canary.service,
    keys: features.keys.service,
    servers: features.servers.service,
    ingest: features.ingest.service,
    onboarding: features.onboarding.service,
    status: features.status.service,
    live: features.live.service,
    gateway: features.gateway.service,
  };
}

/** Plans a change through the API. */
export const planWith = (
  { client }: Person,
  intent: string,
  payload: Record<string, unknown>,
): Promise<Planned> => client.call("plan", { body: { intent, payload: payload as never } });

/** Submits what was planned, as its author would. */
export const submitWith = (
  author: Person,
  { plan, patch }: Pick<Planned, "plan" | "patch">,
  more: Record<string, unknown> = {},
): Promise<PlanExecutionResult> =>
  author.client.call("apply", {
    body: { plan, patch, actor: author.name, actor_email: author.email, ...more } as never,
  });

export const decideWith = (
  { client }: Person,
  approvalId: string | null,
  decision: "approve" | "reject",
  reason = decision === "reject" ? "not this way" : undefined,
): Promise<PlanExecutionResult> =>
  client.call("apply", {
    body: {
      approval_id: approvalId ?? "",
      approval_decision: decision,
      ...(reason === undefined ? {} : { approval_reason: reason }),
    },
  });

/** The problem that a call is refused with. Fails when it is not refused. */
export async function problemOf(call: Promise<unknown>): Promise<Problem> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ProblemError) return error.problem;
    throw error;
  }
  throw new Error("the call was not refused");
}
