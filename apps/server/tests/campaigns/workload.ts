import { randomBytes } from "node:crypto";
import { createClient, type Planned, ProblemError } from "@ciclo/contract";

/** How far a change got, as the console acknowledged it; and whether something was asked after that whose answer was never seen. */
export type Tracked = {
  planId: string;
  agent: string;
  acknowledged: "planned" | "submitted" | "approved" | "rolled_back";
  isUncertain: boolean;
};

export type WorkloadOptions = {
  /** Addresses of the consoles that may be asked just now. */
  urls(): readonly string[];
  tokens: Record<"author" | "approver", string>;
  /** Changes under way at once. */
  atOnce: number;
};

/** People at work: each change is planned, submitted, approved and, one in three, rolled back, on whichever node. */
export class Workload {
  readonly changes: Tracked[] = [];
  /** Problem codes that calls were refused with, and how often. */
  readonly refusals = new Map<string, number>();
  acknowledged = 0;
  readonly #options: WorkloadOptions;
  readonly #stopping = new AbortController();
  #people: Promise<void>[] = [];
  readonly #prefix = `agent-${randomBytes(3).toString("hex")}`;
  #agents = 0;

  constructor(options: WorkloadOptions) {
    this.#options = options;
  }

  start(): void {
    this.#people = Array.from({ length: this.#options.atOnce }, () => this.#work());
  }

  /** Resolves when the calls under way have been answered. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#people);
  }

  async #work(): Promise<void> {
    while (!this.#stopping.signal.aborted) await this.#oneChange();
  }

  async #oneChange(): Promise<void> {
    this.#agents += 1;
    const agent = `${this.#prefix}-${this.#agents}`;
    const planned = await this.#ask(() =>
      this.#as("author").call("plan", { body: { intent: "add_agent", payload: { agent_name: agent } } }),
    );
    if (planned === null) return;
    const tracked: Tracked = {
      planId: planned.plan.id,
      agent,
      acknowledged: "planned",
      isUncertain: false,
    };
    this.changes.push(tracked);
    await this.#carry(tracked, planned, this.#agents % 3 === 0);
  }

  async #carry(tracked: Tracked, { plan, patch }: Planned, isRolledBack: boolean): Promise<void> {
    const step = async <T>(name: Tracked["acknowledged"], call: () => Promise<T>): Promise<T | null> => {
      tracked.isUncertain = true;
      const answer = await this.#ask(call);
      if (answer === null) return null;
      Object.assign(tracked, { acknowledged: name, isUncertain: false });
      this.acknowledged += 1;
      return answer;
    };
    const submitted = await step("submitted", () =>
      this.#as("author").call("apply", {
        body: { plan, patch, actor: "author", actor_email: "author@example.com" },
      }),
    );
    if (submitted === null || submitted.approval_id === null) return;
    const { approval_id } = submitted;
    const approved = await step("approved", () =>
      this.#as("approver").call("apply", { body: { approval_id, approval_decision: "approve" } }),
    );
    if (approved === null || !isRolledBack) return;
    await step("rolled_back", () => this.#as("approver").call("rollback", { body: { plan_id: plan.id } }));
  }

  #as(who: "author" | "approver") {
    const urls = this.#options.urls();
    const baseUrl = urls[Math.floor(Math.random() * urls.length)];
    if (baseUrl === undefined) throw new TypeError("fetch failed: no console runs");
    return createClient({ baseUrl, token: this.#options.tokens[who] });
  }

  /** The answer; null where the call was refused or broke off. Anything else fails the campaign. */
  async #ask<T>(call: () => Promise<T>): Promise<T | null> {
    try {
      return await call();
    } catch (error) {
      const isBroken = error instanceof TypeError || (error as { name?: string }).name === "AbortError";
      if (!isBroken && !(error instanceof ProblemError)) throw error;
      const code = error instanceof ProblemError ? error.problem.code : "connection";
      this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
      // Who is refused waits a moment, as a client would.
      await new Promise((resolve) => setTimeout(resolve, 30));
      return null;
    }
  }
}
