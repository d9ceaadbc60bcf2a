import type { CycleKey } from "@ciclo/contract";
import type { Mount } from "../../domain/mount.ts";
import type { CyclesService } from "./service.ts";

export function cyclesRoutes(mount: Mount, cycles: CyclesService, key: CycleKey): void {
  mount("getCycleKey", () => Promise.resolve(key));
  mount("getCycleResults", ({ query }) => cycles.results(query));
  mount("listCycles", ({ query, locale }) => cycles.list(query, locale));
  mount("startCycle", ({ actor, body, locale }) => cycles.start(actor, body, locale));
  mount("getCycle", ({ actor, params, locale }) => cycles.get(actor, params.id, locale));
  mount("getCycleDiff", ({ params }) => cycles.diff(params.id));
  mount("getCycleEvidence", ({ params }) => cycles.evidence(params.id, params.sha256));
  mount("decideCycle", ({ actor, params, body, locale }) => cycles.decide(actor, params.id, body, locale));
  mount("answerCycle", ({ actor, params, body, locale }) => cycles.answer(actor, params.id, body, locale));
  mount("answerCyclePermission", ({ actor, params: { id, permission }, body, locale }) =>
    cycles.answerPermission(actor, { cycleId: id, id: permission, ...body }, locale),
  );
  mount("pauseCycle", ({ actor, params, body, locale }) =>
    cycles.pause(actor, params.id, body.reason, locale),
  );
  mount("resumeCycle", ({ actor, params, body, locale }) => cycles.resume(actor, params.id, body, locale));
  mount("rollbackCycle", ({ actor, params, body, locale }) =>
    cycles.rollback(actor, params.id, body.reason, locale),
  );
  mount("cancelCycle", ({ actor, params, body, locale }) =>
    cycles.cancel(actor, params.id, body.reason, locale),
  );
}
