import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, interceptors } from "undici";
import { type Feature, noRoutes, noWorkers } from "../../domain/feature.ts";
import type { EventBus } from "../../lib/events.ts";
import { type Mask, maskValues } from "../../lib/mask-values.ts";
import { guardedLookup, type NetworkRules, type ResolveHost, urlProblem } from "../../lib/outbound.ts";
import { Memo } from "../../lib/memo.ts";
import { ModelClient, type ModelClientDeps } from "./client.ts";
import { type EndpointDeps, ModelEndpoint, type OpenKey } from "./endpoint.ts";
import { isModelPath } from "./paths.ts";

export type ModelsDeps = Omit<EndpointDeps & ModelClientDeps, "connect" | "openKey"> & {
  bus: Pick<EventBus, "on">;
  network(): NetworkRules;
  resolve: ResolveHost;
  /** The value of a key, as it stands in the database. */
  revealKey(reference: string): Promise<string>;
};

export type ModelsService = {
  /** Models for the console's own use. */
  client: Pick<ModelClient, "answers" | "ask">;
  /** Whether a request is the endpoint's to answer. */
  takes(request: IncomingMessage): boolean;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
};

const connectMs = 10_000;
/** A value that another node has replaced is used for no longer than this. */
const keyMs = 1000;
const mostMasks = 200;

/** Models through the console: `/llm/*`. It stands beside the API, on the bare HTTP server. */
export function createModels(deps: ModelsDeps): Feature<ModelsService> {
  const keys = new Map<string, { key: Promise<OpenKey>; until: number }>();
  // A mask takes a while to make, and keys are opened again every second.
  const masks = new Memo<string, Mask>(mostMasks);
  const pool = new Agent({
    connect: { lookup: guardedLookup(deps.network, deps.resolve), timeout: connectMs },
    keepAliveTimeout: 4000,
    allowH2: false,
  });
  // Some providers pack their answers though nobody asked for that.
  const agent = pool.compose(interceptors.decompress({ skipErrorResponses: false }));
  const shared = {
    ...deps,
    connect(url: URL) {
      const problem = urlProblem(url, deps.network());
      return problem === null ? Promise.resolve(agent) : Promise.reject(problem);
    },
    openKey(reference: string) {
      const known = keys.get(reference);
      if (known !== undefined && known.until > performance.now()) return known.key;
      const key = deps.revealKey(reference).then((value) => ({
        value,
        mask: masks.get(value, () => maskValues([value])),
      }));
      keys.set(reference, { key, until: performance.now() + keyMs });
      // What failed is asked again by the next call.
      key.catch(() => keys.delete(reference));
      return key;
    },
  };
  const endpoint = new ModelEndpoint(shared);
  deps.bus.on("access.changed", () => endpoint.accessChanged());
  deps.bus.on("keys.changed", () => {
    keys.clear();
    masks.clear();
  });
  return {
    service: {
      client: new ModelClient(shared),
      takes: (request) => isModelPath(request.url ?? ""),
      handle: (request, response) => endpoint.handle(request, response),
    },
    routes: noRoutes,
    workers: { ...noWorkers, stop: () => pool.close() },
  };
}
