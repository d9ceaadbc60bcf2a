import type { Mount } from "../../domain/mount.ts";
import type { LiveService } from "./service.ts";

export function liveRoutes(mount: Mount, live: LiveService): void {
  mount("events", ({ actor, header }) =>
    live.stream({ userId: actor.id ?? "", lastEventId: header("last-event-id") }),
  );
}
