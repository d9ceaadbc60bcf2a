import { type CycleCost, type PolicyOf, text } from "@ciclo/contract";
import type { AuditedTransaction, Database, Queries } from "../../db/dialect.ts";
import { system } from "../../domain/actor.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import type { Forge } from "../../lib/forge/forge.ts";
import { evidenceOf, findEvidence } from "./evidence-store.ts";
import { checkedIn, executionsOf, newestOf } from "./keep.ts";
import { branchOf } from "./naming.ts";
import { manifestComment, proposalOf } from "./proposal.ts";
import { differs, findPull, type ForgeFor, kept, propose } from "./pull-requests.ts";
import type { Repositories } from "./repositories.ts";
import { takeBack } from "./rollback.ts";
import { manifestName } from "./stages/merge.ts";
import * as store from "./store.ts";

export type PublishingDeps = {
  queries: Queries;
  transaction: AuditedTransaction;
  exclusively: Database["exclusively"];
  clock: Clock;
  repositories: Repositories;
  forgeFor: ForgeFor;
  policy(): Promise<PolicyOf<"cycles"> | null>;
  costOf(cycle: { id: string; from: string }): Promise<CycleCost>;
  pageOf(id: string): string | null;
  /** Has the cycles be carried on. */
  wake(): void;
};

/** How often the forge is asked about a pull request that a cycle waits for. */
const askEveryMs = 15_000;
/** What cannot be taken away for so long stays where it is. */
const triedForMs = 24 * 3_600_000;
const mostAtOnce = 200;

/**
 * Brings branches and pull requests to where their cycles are: opens them for reviewers, reads checks and reviews, closes those of
 * cycles that came to nothing, attaches manifests, and takes back what was merged. All of it can be done again after a crash.
 */
export class Publishing {
  readonly #deps: PublishingDeps;
  /** When the forge was last asked about a cycle. */
  readonly #asked = new Map<string, number>();

  constructor(deps: PublishingDeps) {
    this.#deps = deps;
  }

  /** Has the forge be asked about a cycle at once. */
  forget(branch: string): void {
    for (const id of this.#asked.keys()) if (branchOf(id) === branch) this.#asked.delete(id);
  }

  /** Does all that is due. A failure does not stop the rest; the first one is thrown at the end. */
  async pass(signal: AbortSignal): Promise<void> {
    const { queries, clock } = this.#deps;
    const since = stamp(new Date(clock().getTime() - triedForMs));
    const found = await store.cyclesToPublish(queries, { since }, mostAtOnce);
    if (found.length === 0) {
      this.#asked.clear();
      return;
    }
    const policy = await this.#deps.policy();
    const failures: unknown[] = [];
    for (const { id } of found) {
      if (signal.aborted) return;
      try {
        await this.#deps.exclusively(`cycle:${id}`, () => this.#work(id, policy, signal));
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  async #work(id: string, policy: PolicyOf<"cycles"> | null, signal: AbortSignal): Promise<void> {
    const cycle = await store.findCycle(this.#deps.queries, id);
    if (cycle === undefined) return;
    const { state, head_commit: head } = cycle;
    // What could not be done is tried again now and then.
    if (state === "rolling_back")
      return cycle.reason === null || this.#isDue(id) ? this.#rollback(cycle, signal) : undefined;
    if (head === null) return;
    if (state === "rejected" || state === "cancelled") return this.#withdraw(cycle, head, signal);
    const isWithout = policy?.pull_requests === "never" && cycle.pull_request === null;
    const forge = isWithout ? null : await this.#deps.forgeFor(cycle.repository);
    if (forge === null) return;
    if (state === "completed") return this.#attach(cycle, forge);
    if (state !== "waiting") return;
    const isNew = cycle.pull_request?.head !== head;
    if (cycle.waits_for === "decision" && isNew && policy?.pull_requests === "for_review")
      return this.#open(cycle, { forge, head }, signal);
    if (cycle.pull_request !== null && this.#isDue(id)) return this.#sync(cycle, forge);
  }

  #isDue(id: string): boolean {
    const now = this.#deps.clock().getTime();
    if (now - (this.#asked.get(id) ?? 0) < askEveryMs) return false;
    this.#asked.set(id, now);
    return true;
  }

  async #open(
    cycle: store.StoredCycle,
    { forge, head }: { forge: Forge; head: string },
    signal: AbortSignal,
  ): Promise<void> {
    const { queries, costOf, pageOf } = this.#deps;
    const all = await store.artifactsOf(queries, cycle.id);
    const cost = await costOf({ id: cycle.id, from: cycle.created_at });
    const proposal = proposalOf(
      { cycle, artifacts: newestOf(all), executions: executionsOf(all) },
      { cost, page: pageOf(cycle.id) },
    );
    const pull = await propose(
      { ...this.#deps, forge },
      { cycle, head, proposal, ours: checkedIn(all) },
      signal,
    );
    // What somebody closed or merged there is seen once, and is of that head.
    const values = { branch: branchOf(cycle.id), pull_request: kept({ ...pull, head }, cycle.pull_request) };
    await this.#write(cycle, values, "proposed", { url: pull.url, head, state: pull.state });
  }

  /** Reads checks and reviews from the forge. A cycle that waits for them goes on when they change. */
  async #sync(cycle: store.StoredCycle, forge: Forge): Promise<void> {
    const before = cycle.pull_request;
    if (before === null) return;
    const read = kept(await forge.read(before.number), before);
    // What the cycle had put there stays known.
    const now = { ...read, head: before.head };
    const isPushed = read.state === "open" && read.head !== before.head;
    const said = isPushed ? pushedThere(read) : read.state === "open" ? null : decidedThere(read);
    const goesOn = cycle.waits_for === "forge" && !isPushed;
    const reason = goesOn ? null : cycle.waits_for === "forge" && said === null ? cycle.reason : said;
    if (!differs(before, now) && cycle.reason?.en === reason?.en) return;
    if (!differs(before, now) && goesOn) return;
    const onward = goesOn ? ({ state: "running", waits_for: null } as const) : {};
    const past = { reason };
    await this.#write(cycle, { ...onward, ...past, pull_request: now }, "pull_request", {
      url: now.url,
      state: now.state,
      checks: now.checks.map(({ name, status }) => `${name}: ${status}`).join(", "),
      reviews: now.reviews.map(({ author, state }) => `${author}: ${state}`).join(", "),
    });
    if (goesOn) this.#deps.wake();
  }

  async #withdraw(cycle: store.StoredCycle, head: string, signal: AbortSignal): Promise<void> {
    const { repositories, forgeFor, clock } = this.#deps;
    const forge = await forgeFor(cycle.repository);
    let pull = forge === null ? null : await findPull(forge, cycle);
    if (forge !== null && pull?.state === "open") {
      await forge.close(pull.number);
      pull = { ...pull, state: "closed" };
    }
    const branch = branchOf(cycle.id);
    await repositories.withdraw(cycle.repository, { branch, head }, signal);
    const values = {
      withdrawn_at: stamp(clock()),
      ...(pull === null ? {} : { pull_request: kept(pull, cycle.pull_request) }),
    };
    await this.#write(cycle, values, "withdrawn", { branch, pull_request: pull?.url ?? null });
  }

  async #attach(cycle: store.StoredCycle, forge: Forge): Promise<void> {
    const { queries } = this.#deps;
    const pull = cycle.pull_request;
    const manifest = (await evidenceOf(queries, cycle.id)).findLast(({ name }) => name === manifestName);
    if (pull === null || manifest === undefined) return;
    const found = await findEvidence(queries, cycle.id, manifest.sha256);
    if (found?.content == null) return;
    await forge.comment(pull.number, manifestComment(Buffer.from(found.content, "base64"), cycle));
    const values = { pull_request: { ...pull, has_manifest: true } };
    await this.#write(cycle, values, "manifest_attached", { url: pull.url, sha256: manifest.sha256 });
  }

  async #rollback(cycle: store.StoredCycle, signal: AbortSignal): Promise<void> {
    const done = await takeBack(this.#deps, cycle, signal);
    if (done === null) return;
    await this.#write(cycle, done.values, done.action, done.metadata, done.action === "rollback_failed");
  }

  /** Writes what was done, where nobody changed the cycle meanwhile: it is looked at again then. */
  async #write(
    cycle: store.StoredCycle,
    values: Partial<store.StoredCycle>,
    action: string,
    metadata: Readonly<Record<string, unknown>>,
    voidsRollback = false,
  ): Promise<void> {
    const { transaction, clock } = this.#deps;
    await transaction(async (queries, record) => {
      const at = stamp(clock());
      if (!(await store.updateCycle(queries, cycle, { ...values, updated_at: at }))) return;
      // They may ask again.
      if (voidsRollback) await store.voidDecisions(queries, cycle.id, ["rollback"], at);
      await record({
        actor: system,
        action: `cycle.${action}`,
        resource: `cycle:${cycle.id}`,
        planId: cycle.id,
        status: "succeeded",
        metadata: { stage: cycle.stage, ...metadata },
      });
    });
  }
}

const pushedThere = ({ url, head }: { url: string; head: string }) =>
  text(
    `Somebody pushed ${head} to the branch of ${url}: it is not merged with that. Take over what is wanted of it by another cycle, and take the commit away there`,
    `Alguém enviou ${head} à branch de ${url}: o merge não será feito com isso. Aproveite o que se quer dele em outro ciclo, e retire o commit dali`,
  );

const decidedThere = ({ state, url }: { state: string; url: string }) =>
  state === "merged"
    ? text(
        `Somebody merged ${url} before it was approved here. Approve to take that in, or reject and take it back in the repository`,
        `Alguém fez o merge de ${url} antes da aprovação aqui. Aprove para registrar isso, ou rejeite e reverta no repositório`,
      )
    : text(
        `Somebody closed ${url}. Reopen it there before you approve, or reject`,
        `Alguém fechou ${url}. Reabra-o ali antes de aprovar, ou rejeite`,
      );
