import { permits, type PauseDecision } from "@ciclo/contract";
import type { Actor } from "../../../domain/actor.ts";
import type { CallSubject } from "../../../domain/usage.ts";
import { insufficientPermission } from "../../../errors.ts";
import { foldedName } from "../../../lib/fold.ts";
import { type Binding, type Meter, meterId } from "./bindings.ts";
import { selfDecision } from "./pause-refusals.ts";
import type { StoredPause } from "./pause-store.ts";

const isOwn = ({ id }: Actor, { actor_id }: StoredPause): boolean => id !== null && id === actor_id;

/** As with plans, nobody lets their own run have more while somebody else could decide. */
export const mayRaise = (actor: Actor, pause: StoredPause, isAlone: boolean): boolean =>
  permits(actor.roles, "decide") && (isAlone || !isOwn(actor, pause));

/** Whoever the run acts as may stop it. */
export const mayStop = (actor: Actor, pause: StoredPause): boolean =>
  isOwn(actor, pause) || permits(actor.roles, "decide") || permits(actor.roles, "manage_access");

/** Throws a `Refusal` for whoever may not decide that. */
export function refuseUnlessMay(
  actor: Actor,
  pause: StoredPause,
  { decision }: PauseDecision,
  isAlone: boolean,
): void {
  if (decision === "stop") {
    if (!mayStop(actor, pause)) throw insufficientPermission(["decide"]);
  } else if (!permits(actor.roles, "decide")) throw insufficientPermission(["decide"]);
  else if (!mayRaise(actor, pause, isAlone)) throw selfDecision();
}

/** What a pause is of: a limit, and whose purse. */
export type Place = { meter: Meter; holder: string };

/** How a limit stands, in its unit. */
export type Stands = Pick<StoredPause, "spent" | "of_amount">;

/** Whether nobody has to decide any more: the limit lets calls through again, or there is none that asks. */
export const isOver = ({ state }: StoredPause, stands: Stands | null): boolean =>
  state !== "stopped" && (stands === null || (state === "waiting" && stands.spent < stands.of_amount));

/** What a decision on a run makes of another of its pauses. */
export function alike(other: StoredPause, one: StoredPause): Partial<StoredPause> {
  const { state, to_model, decided_by, decided_at, note } = one;
  if (state === "stopped") return { state, decided_by, decided_at, note };
  // A run goes to one model of a provider.
  const goesToo = other.state === "rerouted" && other.provider === one.provider;
  return goesToo ? { to_model, decided_by, decided_at, note } : {};
}

/** One pause counts of each run, limit and purse. */
export const currentOf = (
  { actorId, actorName, run }: CallSubject,
  { meterId: of, holder }: Pick<Binding, "meterId" | "holder">,
): string => JSON.stringify([actorId ?? actorName, foldedName(run ?? ""), of, holder]);

/** The purse of what a run may spend beyond a limit. */
export function extraOf({ extra_meter: said, extra }: StoredPause, { budget }: Binding): Binding | null {
  if (said === null || extra === null) return null;
  const meter = JSON.parse(said) as Meter;
  return { budget, meter, meterId: meterId(meter), most: extra, holder: "", isExtra: true };
}

/** In the audit log. */
export function saidOf(pause: StoredPause): Record<string, unknown> {
  const { meter } = JSON.parse(pause.meter) as Place;
  const [unit, name] = meter.unit === "tokens" ? [1, "tokens"] : [1e9, "usd"];
  return {
    user: pause.actor_name,
    policy: pause.policy,
    limit: meter.limit,
    [`spent_${name}`]: pause.spent / unit,
    [`of_${name}`]: pause.of_amount / unit,
    ...(pause.extra === null ? {} : { [`more_${name}`]: pause.extra / unit }),
    ...(pause.to_model === null ? {} : { to_model: pause.to_model }),
    ...(pause.note === null ? {} : { note: pause.note }),
  };
}
