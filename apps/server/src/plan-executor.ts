import { join } from "node:path";
import {
  type Locale,
  permissions,
  permits,
  type PlanExecutionResult,
  type Plan,
  planSchema,
} from "@ciclo/contract";
import { type App, createApp } from "./app.ts";
import { environmentWith, readConfig } from "./config.ts";
import { openDatabase } from "./db/dialect.ts";
import { insufficientPermission } from "./errors.ts";
import type { Actor } from "./domain/actor.ts";
import { privateFolder } from "./lib/files.ts";
import { createLogger } from "./lib/logger.ts";

export type PlanExecutorOptions = {
  /** Path or URL of the config repository; else CICLO_CONFIG_REPO, else the embedded one. */
  repository?: string;
  /** Data folder; else CICLO_HOME. */
  home?: string;
  /** Language of messages. */
  locale?: Locale;
};

type Opened = { features: App["features"]; close(): Promise<void> };

/**
 * Plans from a program, on the database and repository themselves: for scripts on the
 * console's own host, which is trusted as the command line is. Call `close` at the end.
 *
 * @example
 * const executor = new PlanExecutor();
 * const outcome = await executor.rollback({ planId, branch, actor: "rollback-bot" });
 * console.log(outcome.status, outcome.message);
 * await executor.close();
 */
export class PlanExecutor {
  readonly #options: PlanExecutorOptions;
  #opened: Promise<Opened> | null = null;

  constructor(options: PlanExecutorOptions | string = {}) {
    this.#options = typeof options === "string" ? { repository: options } : options;
  }

  /** What submitting would do; writes nothing. Refuses as `submitForApproval` does. */
  async dryRun(request: { plan: Plan; patch: string; actor: string }): Promise<PlanExecutionResult> {
    const { features, locale } = await this.#open();
    const plan = planSchema.parse(request.plan);
    return features.changes.service.submit(
      await this.#actor(request.actor),
      { ...request, plan, mode: "dry_run" },
      locale,
    );
  }

  /** Commits the plan on its branch and asks for approval. Throws `Refusal` with the contract's codes. */
  async submitForApproval(request: {
    plan: Plan;
    patch: string;
    actor: string;
    actorEmail: string;
  }): Promise<PlanExecutionResult> {
    const { features, locale } = await this.#open();
    const { plan, patch, actor, actorEmail } = request;
    const submission = {
      plan: planSchema.parse(plan),
      patch,
      actor,
      actor_email: actorEmail,
      mode: "branch_pr" as const,
    };
    return features.changes.service.submit(await this.#actor(actorEmail, actor), submission, locale);
  }

  /** Decides an approval. `actor` is a user's e-mail, whose roles and rules hold. */
  async decide(request: {
    approvalId: string;
    decision: "approve" | "reject";
    actor: string;
    reason?: string;
  }): Promise<PlanExecutionResult> {
    const { features, locale } = await this.#open();
    const decision = {
      approval_id: request.approvalId,
      approval_decision: request.decision,
      approval_reason: request.reason,
    };
    const user = await features.access.service.users.find({ email: request.actor });
    if (user.disabled_at !== null || !permits(user.roles, "decide")) throw insufficientPermission(["decide"]);
    return features.changes.service.decide({ ...user }, decision, locale);
  }

  /** Takes a plan's change back. Repeating it is answered as already done. */
  async rollback(request: {
    planId: string;
    branch?: string;
    actor: string;
    reason?: string;
  }): Promise<PlanExecutionResult> {
    const { features, locale } = await this.#open();
    const rollback = { plan_id: request.planId, branch: request.branch, reason: request.reason };
    return features.changes.service.rollback(await this.#actor(request.actor), rollback, locale);
  }

  async close(): Promise<void> {
    const opened = await this.#opened;
    await opened?.close();
    this.#opened = null;
  }

  async #open(): Promise<{ features: Opened["features"]; locale: Locale }> {
    this.#opened ??= open(this.#options).catch((error: unknown) => {
      // The next call tries again: what was in the way may be gone by then.
      this.#opened = null;
      throw error;
    });
    return { features: (await this.#opened).features, locale: this.#options.locale ?? "en" };
  }

  /** The user of an e-mail, or a program by the given name, trusted to roll back. */
  async #actor(who: string, name = who): Promise<Actor> {
    const { features } = await this.#open();
    const user = (await features.access.service.users.list()).find(
      ({ email }) => email === who.toLowerCase(),
    );
    if (user !== undefined) return { id: user.id, name: user.name, email: user.email, roles: user.roles };
    const email = who.includes("@") ? who : null;
    return { id: null, name, email, roles: permissions.rollback };
  }
}

async function open(options: PlanExecutorOptions): Promise<Opened> {
  const read = readConfig(
    options.home === undefined ? undefined : environmentWith({ CICLO_HOME: options.home }),
  );
  const config = {
    ...read,
    configRepository: options.repository ?? read.configRepository,
  };
  await privateFolder(config.home);
  const database = await openDatabase({ url: config.databaseUrl, file: join(config.home, "ciclo.db") });
  try {
    const { features } = await createApp({ config, database, logger: createLogger("error") });
    return { features, close: () => database.close() };
  } catch (error) {
    await database.close();
    throw error;
  }
}
