import { permits } from "@ciclo/contract";
import type { Mount } from "../../domain/mount.ts";
import { insufficientPermission } from "../../errors.ts";
import type { ChangesService } from "./service.ts";

export function changesRoutes(mount: Mount, changes: ChangesService): void {
  mount("apply", ({ actor, body, locale, header }) => {
    const needed = "approval_id" in body ? "decide" : "submit";
    if (!permits(actor.roles, needed)) throw insufficientPermission([needed]);
    return changes.once(actor, header("idempotency-key")?.slice(0, 200), body, () =>
      "approval_id" in body ? changes.decide(actor, body, locale) : changes.submit(actor, body, locale),
    );
  });
  mount("refreshPullRequest", ({ actor, body, locale }) => changes.refresh(actor, body.plan_id, locale));
  mount("rollback", ({ actor, body, locale }) => changes.rollback(actor, body, locale));
  mount("previewRollback", ({ params, locale }) => changes.previewRollback(params.plan_id, locale));
  mount("listChanges", ({ query }) => changes.list(query));
  mount("getChange", ({ params, locale }) => changes.get(params.plan_id, locale));
  mount("listApprovals", ({ actor, query, locale }) => changes.inbox(actor, query, locale));
}
