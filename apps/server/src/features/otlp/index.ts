import type { IncomingMessage, ServerResponse } from "node:http";
import { type Feature, noRoutes, noWorkers } from "../../domain/feature.ts";
import type { EventBus } from "../../lib/events.ts";
import { Receiver, type ReceiverDeps, signalOf } from "./receiver.ts";

export type OtlpService = {
  /** Whether a request is the receiver's to answer. */
  takes(request: IncomingMessage): boolean;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
};

/** What agents export: `/v1/logs`, `/v1/metrics`, `/v1/traces`. It stands beside the API, on the bare HTTP server. */
export function createOtlp(deps: ReceiverDeps & { bus: Pick<EventBus, "on"> }): Feature<OtlpService> {
  const receiver = new Receiver(deps);
  deps.bus.on("access.changed", () => receiver.accessChanged());
  return {
    service: {
      takes: (request) => signalOf(request.url ?? "") !== null,
      handle: (request, response) =>
        receiver.handle(request, response, signalOf(request.url ?? "") ?? "metrics"),
    },
    routes: noRoutes,
    workers: noWorkers,
  };
}
