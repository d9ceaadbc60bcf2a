import { type PauseDecision, policyOf, type RunPause, type Text } from "@ciclo/contract";
import type { AuditedTransaction, Database, Queries } from "../../../db/dialect.ts";
import { type Actor, system } from "../../../domain/actor.ts";
import { budgetField, budgetFile } from "../../../domain/agent-budgets.ts";
import type { CallSubject } from "../../../domain/usage.ts";
import { Rerouted } from "../../../errors.ts";
import { type Clock, stamp } from "../../../lib/clock.ts";
import { foldedName } from "../../../lib/fold.ts";
import { newId } from "../../../lib/ids.ts";
import { routeOf } from "../../../lib/model-names.ts";
import { type Binding, countsModel, limitsOf, type Meter, meterId, type Policies } from "./bindings.ts";
import {
  alike,
  currentOf,
  extraOf,
  isOver,
  mayRaise,
  mayStop,
  type Place,
  refuseUnlessMay,
  saidOf,
  type Stands,
} from "./pause-rules.ts";
import * as store from "./pause-store.ts";
import {
  alreadyDecided,
  countsToo,
  goesOn,
  noPrice,
  notForUser,
  otherProvider,
  pausedText,
  refusePaused,
  rerouteTool,
  reroutedText,
  stoppedText,
  tooLittle,
  underWayText,
  unknownPause,
} from "./pause-refusals.ts";
import { spentOf } from "./purse-store.ts";
import type { Held, Purses, Spent } from "./purses.ts";

export type PausesDeps = {
  database: Pick<Database, "kind" | "queries">;
  transaction: AuditedTransaction;
  clock: Clock;
  policies(): Policies;
  /** Where a paused run is decided on: an address of the console. */
  decidedAt: string;
  /** Users by id, with their roles; those alone who may come in. */
  activeRoles(queries: Queries): Promise<ReadonlyMap<string, readonly string[]>>;
  /** Ends all tokens of a user's run, in the transaction that stops it. None is made for it from then on. */
  endRunTokens(queries: Queries, of: { userId: string; run: string }): Promise<void>;
  /** Called once tokens have ended: whoever came in by one is let go of. */
  accessChanged(): Promise<void>;
  /** Whether calls of a model have a price, so that a budget in dollars can count them. */
  hasPrice(provider: string, model: string): boolean;
  /** Whether access policy lets whoever has one of these roles use a model. */
  mayUseModel(roles: readonly string[], provider: string, model: string): boolean;
  /** Writes calls that have ended and are not in the database yet. */
  flush(): Promise<void>;
};

/** A decision holds for so long; after that the run asks again. What waits longer and is over is not listed. */
const decidedMs = 7 * 24 * 3_600_000;
const keptMs = 90 * 24 * 3_600_000;
const mostListed = 500;
const mostDecided = 100;
/**
 * Of one user, so many runs may pause in a day without an approver's decision; the calls of more are refused, and nobody is
 * asked.
 */
const mostUndecided = 100;
const dayMs = 24 * 3_600_000;

type Asking = { estimate: number; canReroute: boolean };

/**
 * Runs that used up a limit with `on_exceeded: ask`. The first call that is refused pauses the run: its calls are refused until
 * somebody lets it spend more, sends it to another model, or stops it. Only calls that a limit refuses come here.
 */
export class Pauses {
  readonly #deps: PausesDeps;
  readonly #purses: Purses;

  constructor(deps: PausesDeps, purses: Purses) {
    this.#deps = deps;
    this.#purses = purses;
  }

  /**
   * What a run may have beyond a limit that is used up, set aside for one call. Throws a `Refusal` (`budget_exceeded`) where
   * nobody has decided that it may have more, and `Rerouted` where its calls go to another model.
   */
  async beyond(
    subject: CallSubject,
    { binding, spent }: Spent,
    { estimate, canReroute }: Asking,
  ): Promise<{ binding: Binding; held: Held }> {
    const { database } = this.#deps;
    const pause = await store.currentPause(database.queries, currentOf(subject, binding));
    if (pause === undefined || this.#hasLapsed(pause))
      throw this.#refusal(await this.#pause(subject, binding, spent, pause));
    if (pause.state === "stopped") throw this.#refusal(pause);
    if (pause.state === "waiting")
      throw this.#refusal({ ...pause, spent: await this.#spentNow(binding, spent), of_amount: binding.most });
    if (pause.to_model !== null && subject.model !== null && subject.model !== pause.to_model) {
      if (canReroute && subject.provider === pause.provider)
        throw new Rerouted(pause.to_model, reroutedText(pause));
      throw refusePaused(reroutedText(pause));
    }
    const extra = extraOf(pause, binding);
    if (extra === null) throw this.#refusal(await this.#pause(subject, binding, spent, pause));
    const held = this.#purses.take(extra, estimate) ?? (await this.#purses.reserve(extra, estimate));
    if ("lease" in held) return { binding: extra, held };
    // What is only set aside for calls under way is there again once they have ended.
    if (held.spent < extra.most) throw refusePaused(underWayText(pause));
    throw this.#refusal(await this.#pause(subject, binding, spent, pause));
  }

  /** Runs that wait, and what was decided in the last days. */
  async list(actor: Actor): Promise<RunPause[]> {
    const { database, clock } = this.#deps;
    const { queries } = database;
    const since = stamp(new Date(clock().getTime() - decidedMs));
    const rows = [
      ...(await store.waitingPauses(queries, mostListed)),
      ...(await store.decidedPauses(queries, since, mostDecided)),
    ];
    if (rows.length === 0) return [];
    const isAlone = await this.#isOnlyApprover(queries, actor);
    const shown = await Promise.all(rows.map((row) => this.#present(queries, row, { actor, isAlone })));
    return shown.filter(({ state, paused_at }) => state !== "over" || paused_at >= since);
  }

  /**
   * Decides on a paused run, or otherwise than before on one that was let go on. Throws a `Refusal` for whoever may not, and
   * where there is nothing to decide.
   */
  async decide(actor: Actor, id: string, decision: PauseDecision): Promise<RunPause> {
    const { database, transaction, clock, accessChanged, endRunTokens } = this.#deps;
    const decided = await transaction(async (on, record) => {
      const pause = await store.findPause(on, database.kind, id);
      if (pause === undefined) throw unknownPause(id);
      const isAlone = await this.#isOnlyApprover(on, actor);
      refuseUnlessMay(actor, pause, decision, isAlone);
      const isStop = decision.decision === "stop";
      if (pause.current === null || pause.state === "stopped") throw alreadyDecided(pause);
      // Somebody has decided since this one looked.
      if (decision.seen !== undefined && decision.seen !== pause.decided_at) throw alreadyDecided(pause);
      const stands = await this.#standing(on, pause);
      if (!isStop && isOver(pause, stands)) throw goesOn(pause);
      const changed: store.StoredPause = {
        ...pause,
        ...stands,
        ...(await this.#outcomeOf(on, pause, decision)),
        decided_by: actor.name,
        decided_at: stamp(clock()),
        note: decision.note ?? null,
      };
      const { id: _, ...fields } = changed;
      await store.updatePause(on, id, fields);
      // What is decided of the run, and not of one limit, is so of all that it waits for.
      if (isStop || changed.state === "rerouted")
        for (const other of await this.#othersOf(on, pause))
          await store.updatePause(on, other.id, alike(other, changed));
      if (isStop && pause.actor_id !== null)
        await endRunTokens(on, { userId: pause.actor_id, run: pause.run });
      await record({
        actor,
        action: `run.${changed.state}`,
        resource: `run:${pause.run}`,
        status: "succeeded",
        metadata: { ...saidOf(changed), by_pause: id },
      });
      return { changed, shown: await this.#present(on, changed, { actor, isAlone }) };
    });
    if (decided.changed.state === "stopped") await accessChanged();
    return decided.shown;
  }

  /** Other pauses of the same run that count. */
  async #othersOf(queries: Queries, { id, run, actor_id, actor_name }: store.StoredPause) {
    const all = await store.currentPausesOf(queries, actor_id, actor_name);
    return all.filter((one) => one.id !== id && foldedName(one.run) === foldedName(run));
  }

  /** Forgets what was decided long ago. */
  async tend(): Promise<void> {
    const { database, clock } = this.#deps;
    await store.deletePausesBefore(database.queries, stamp(new Date(clock().getTime() - keptMs)));
  }

  /** Takes note that a run has to wait, once; it takes the place of a decision that holds no longer. */
  async #pause(
    subject: CallSubject,
    { budget, meter, meterId: of, most, holder }: Binding,
    spent: number,
    before: store.StoredPause | undefined,
  ): Promise<store.StoredPause> {
    const { database, transaction, clock } = this.#deps;
    const current = currentOf(subject, { meterId: of, holder });
    const actorName = subject.actorName ?? "—";
    const place: Place = { meter, holder };
    const spentNow = await this.#spentNow({ meter, meterId: of, holder }, spent);
    const pause: store.StoredPause = {
      id: newId(),
      current,
      run: subject.run ?? "",
      actor_id: subject.actorId,
      actor_name: actorName,
      meter: JSON.stringify(place),
      policy: budget.id,
      unit: meter.unit,
      provider: subject.provider,
      model: subject.model,
      spent: spentNow,
      of_amount: most,
      paused_at: stamp(clock()),
      state: "waiting",
      to_model: null,
      extra: null,
      extra_meter: null,
      decided_by: null,
      decided_at: null,
      note: null,
    };
    return await transaction(async (on, record) => {
      const now = await store.currentPause(on, current, database.kind);
      // Another call of the run was refused a moment ago, or somebody has just decided.
      if (now !== undefined && (now.id !== before?.id || now.state !== before.state)) return now;
      const aDayAgo = stamp(new Date(clock().getTime() - dayMs));
      if ((await store.countUndecided(on, pause, aDayAgo)) >= mostUndecided) throw this.#refusal(pause, true);
      if (!(await store.insertPause(on, pause, now?.id)))
        return (await store.currentPause(on, current)) ?? pause;
      await record({
        actor: system,
        action: "run.paused",
        resource: `run:${pause.run}`,
        status: "refused",
        metadata: { ...saidOf(pause), decide_at: this.#deps.decidedAt },
      });
      return pause;
    });
  }

  /** What a decision makes of a pause. An amount is what the run may have beyond its limit in all, since it was paused. */
  async #outcomeOf(
    queries: Queries,
    pause: store.StoredPause,
    decision: PauseDecision,
  ): Promise<Partial<store.StoredPause>> {
    if (decision.decision === "stop") return { state: "stopped" };
    const { meter, holder } = JSON.parse(pause.meter) as Place;
    const extra = decision.amount === undefined ? {} : this.#extra(pause, meter, decision.amount);
    if (decision.decision === "raise") return { state: "raised", to_model: null, ...extra };
    this.#refuseRoute(pause, decision.model, meter);
    const roles = (await this.#deps.activeRoles(queries)).get(pause.actor_id ?? "");
    if (roles !== undefined && !this.#deps.mayUseModel(roles, pause.provider ?? "", decision.model))
      throw notForUser(decision.model, pause);
    if (countsModel(meter, holder, decision.model) && decision.amount === undefined)
      throw countsToo(decision.model, pause);
    return { state: "rerouted", to_model: decision.model, ...extra };
  }

  #extra(pause: store.StoredPause, { unit }: Meter, amount: number): Partial<store.StoredPause> {
    const nowMs = this.#deps.clock().getTime();
    const extra = Math.round(amount * (unit === "tokens" ? 1 : 1e9));
    if (extra < 1) throw tooLittle();
    if (pause.extra_meter !== null) return { extra };
    const meter: Meter = {
      policy: `run_pauses/${pause.id}`,
      scope: null,
      per: null,
      limit: "extra",
      unit,
      // Clocks of nodes may differ.
      calendar: { from: stamp(new Date(nowMs - dayMs)), until: stamp(new Date(nowMs + keptMs)) },
      timeZone: "UTC",
    };
    return { extra, extra_meter: JSON.stringify(meter) };
  }

  /** Throws a `Refusal` where the provider of the paused call is not asked for a model, or a budget could not count it. */
  #refuseRoute({ provider: id, model: asked }: store.StoredPause, model: string, { unit }: Meter): void {
    if (asked === null || id === null) throw rerouteTool();
    const providers = policyOf(this.#deps.policies(), "models")?.providers ?? [];
    const provider = providers.find((one) => one.id === id);
    const isAsked = provider !== undefined && routeOf(providers, provider.dialect, model)?.id === id;
    if (!isAsked || (provider.dialect === "google" && !/^[\w.-]+$/.test(model)))
      throw otherProvider(model, id);
    if (unit !== "tokens" && !this.#deps.hasPrice(id, model)) throw noPrice(model, id);
  }

  #hasLapsed({ decided_at: at }: store.StoredPause): boolean {
    return at !== null && Date.parse(at) + decidedMs <= this.#deps.clock().getTime();
  }

  /** How the limit that paused a run stands now; null where there is none any more that asks. */
  async #standing(queries: Queries, pause: store.StoredPause): Promise<Stands | null> {
    const { meter, holder } = JSON.parse(pause.meter) as Place;
    const budget = this.#deps.policies().get(pause.policy);
    if (budget?.kind !== "budget" || budget.on_exceeded !== "ask") return null;
    const of = meterId(meter);
    const binding = limitsOf(budget, holder).find((one) => one.meterId === of);
    if (binding === undefined) return null;
    return { spent: (await this.#spentIn(queries, binding)) ?? 0, of_amount: binding.most };
  }

  async #spentIn(
    queries: Queries,
    of: Pick<Binding, "meter" | "meterId" | "holder">,
  ): Promise<number | null> {
    const nowMs = this.#deps.clock().getTime();
    return await spentOf(queries, this.#purses.nameOf(of, nowMs), nowMs);
  }

  /** What is spent of a purse, with the calls that ended a moment ago: people decide by the figure. */
  async #spentNow(of: Pick<Binding, "meter" | "meterId" | "holder">, known: number): Promise<number> {
    await this.#deps.flush();
    return (await this.#spentIn(this.#deps.database.queries, of)) ?? known;
  }

  async #present(
    queries: Queries,
    pause: store.StoredPause,
    { actor, isAlone }: { actor: Actor; isAlone: boolean },
  ): Promise<RunPause> {
    const { meter } = JSON.parse(pause.meter) as Place;
    const stands = await this.#standing(queries, pause);
    const isDone = isOver(pause, stands);
    const { spent, of_amount: most } = stands ?? pause;
    const unit = meter.unit === "tokens" ? 1 : 1e9;
    return {
      id: pause.id,
      run: pause.run,
      user: { id: pause.actor_id, name: pause.actor_name },
      policy: pause.policy,
      file: budgetFile(pause.policy),
      field: budgetField(pause.policy, meter.limit),
      unit: meter.unit === "tokens" ? "tokens" : "usd",
      spent: spent / unit,
      of: most / unit,
      model: pause.model,
      paused_at: pause.paused_at,
      state: isDone ? "over" : (pause.state as RunPause["state"]),
      amount: pause.extra === null || pause.state === "stopped" ? null : pause.extra / unit,
      to_model: pause.to_model,
      decided_by: pause.decided_by,
      decided_at: pause.decided_at,
      note: pause.note,
      may: {
        raise: pause.state !== "stopped" && !isDone && mayRaise(actor, pause, isAlone),
        stop: pause.state !== "stopped" && !isDone && mayStop(actor, pause),
      },
    };
  }

  /** Whether nobody else could decide: as with plans, a lone approver may then decide on what is their own. */
  async #isOnlyApprover(queries: Queries, { id }: Actor): Promise<boolean> {
    const people = await this.#deps.activeRoles(queries);
    return ![...people].some(([user, roles]) => user !== id && roles.includes("approver"));
  }

  #refusal(pause: store.StoredPause, isUnasked = false) {
    const said: Text =
      pause.state === "stopped" ? stoppedText(pause) : pausedText(pause, this.#deps.decidedAt, isUnasked);
    return refusePaused(said);
  }
}
