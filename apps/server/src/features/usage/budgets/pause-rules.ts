import { permits, type PauseDecision } from "@ciclo/contract";
import type { Actor } from "../../../domain/actor.ts";
import { insufficientPermission } from "../../../errors.ts";
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
