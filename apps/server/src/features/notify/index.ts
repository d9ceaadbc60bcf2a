import { text } from "@ciclo/contract";
import { type Feature, noRoutes } from "../../domain/feature.ts";
import { Worker } from "../../lib/background.ts";
import type { EventBus } from "../../lib/events.ts";
import { type NotifyDeps, tellAll } from "./service.ts";

export type NotifyService = {
  /** Tells all webhooks what is new. Rejects where one could not be told. */
  tell(): Promise<void>;
};

const everyMs = 30_000;

/** Tells webhooks and Slack channels of what happens: `policies/notify.yaml`. */
export function createNotify(deps: NotifyDeps & { bus: Pick<EventBus, "on"> }): Feature<NotifyService> {
  const telling = new Worker({
    name: text("telling webhooks", "os avisos a webhooks"),
    logger: deps.logger,
    everyMs,
    pass: (signal) => tellAll(deps, signal),
  });
  deps.bus.on("audit.appeared", () => telling.wake());
  return { service: { tell: () => telling.run() }, routes: noRoutes, workers: telling };
}
