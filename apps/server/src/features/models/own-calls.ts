import { request } from "undici";
import { text } from "@ciclo/contract";
import type { Actor } from "../../domain/actor.ts";
import type { ModelUsage } from "../../domain/tokens.ts";
import type { CallSubject, NanoUsd } from "../../domain/usage.ts";
import { Refusal } from "../../errors.ts";
import { stamp } from "../../lib/clock.ts";
import { newSequentialId } from "../../lib/ids.ts";
import { maskValues } from "../../lib/mask-values.ts";
import { type Asked, readAsked } from "./asked.ts";
import { subjectAt } from "./caller.ts";
import type { EndpointDeps } from "./endpoint.ts";
import type { Forwarded } from "./forward.ts";
import { Listener } from "./heard.ts";
import { mostUsed } from "./outcome.ts";
import { type ModelPath, modelPathOf } from "./paths.ts";
import { credentialOf, type Provider } from "./providers.ts";
import { type Call, metered, recordCall } from "./records.ts";
import { notOffered, redirected, tooLarge, unreached } from "./refusals.ts";

export type OwnCallsDeps = Pick<
  EndpointDeps,
  "reserve" | "openKey" | "connect" | "begin" | "record" | "clock"
> & {
  /** What a call costs at most; null where no price is known. */
  priceOf(subject: CallSubject, usage: ModelUsage): NanoUsd | null;
};

/** Whom the console calls a model for, what for, and within which limits. */
export type OwnCall = {
  actor: Actor;
  /** The agent that asks, as its manifest names it: its budgets hold. */
  agent: string;
  phase: string;
  run: string | null;
  operation: string;
  provider: Provider;
  /** Of the route in `policies/cost.yaml`. */
  limits: { maxInputTokens: number; maxCostUsd: number };
};

const mostAnswered = 16 * 1024 * 1024;
const nothingHidden = maskValues([]);

/**
 * `fetch` for the console's own calls of models: held to budgets and limits, and metered as those that pass `/llm/*` are. Throws a
 * `Refusal` where a limit forbids the call, or the provider does not answer.
 */
export function meteredFetch(deps: OwnCallsDeps, own: OwnCall): typeof fetch {
  let attempt = 0;
  return async (input, init) => {
    attempt += 1;
    const url = new URL(input instanceof Request ? input.url : input);
    const path = pathOf(own.provider, url);
    const body = Buffer.from(typeof init?.body === "string" ? init.body : "");
    const asked = readAsked(path, body);
    const call = callOf(own, path, asked, { attempt, bytes: body.length });
    const most = mostUsed(asked, body.length);
    refuseBeyond(own, most, deps.priceOf(call.subject, most));
    const reservation = await deps.reserve(call.subject, { nanoUsd: null, usage: most });
    let ended: Forwarded | null = null;
    try {
      const answer = await send(deps, call, url, { init, body });
      ended = answer.ended;
      if (ended.kind === "failed") throw unreached(own.provider, ended.error);
      return new Response(answer.text, {
        status: ended.status ?? 502,
        headers: { "content-type": "application/json" },
      });
    } finally {
      reservation.settle(recordCall(deps, call, ended, reservation));
    }
  };
}

/** The route of `/llm/*` that a request to a provider would have. */
function pathOf({ dialect, url: base }: Provider, url: URL): ModelPath {
  const rest = url.href.slice(base.replace(/\/$/, "").length);
  const path = modelPathOf("POST", `/llm/${dialect}${dialect === "openai" ? "/v1" : ""}${rest}`);
  if (path === null) throw notOffered({ method: "POST", url: rest });
  return path;
}

function callOf(
  { actor, agent, phase, run, operation, provider }: OwnCall,
  path: ModelPath,
  asked: Asked,
  { attempt, bytes }: { attempt: number; bytes: number },
): Call {
  return {
    key: `endpoint:${newSequentialId()}`,
    path,
    provider,
    asked,
    subject: {
      ...subjectAt(path, provider, asked.model, { actor, program: { agent, agentVersion: null } }),
      run,
      phase,
    },
    program: null,
    session: null,
    sessions: [],
    startedAt: performance.now(),
    requestBytes: bytes,
    operation,
    attempt,
  };
}

function refuseBeyond({ phase, limits }: OwnCall, most: ModelUsage, nanoUsd: NanoUsd | null): void {
  const where = `policies/cost.yaml, routes.${phase}`;
  const { input } = most.tokens;
  if (input > limits.maxInputTokens)
    throw new Refusal(
      "budget_exceeded",
      text(
        `${where}.max_tokens: the request has about ${input} tokens, and ${limits.maxInputTokens} are allowed`,
        `${where}.max_tokens: o pedido tem cerca de ${input} tokens, e são permitidos ${limits.maxInputTokens}`,
      ),
    );
  const usd = (nanoUsd ?? 0) / 1e9;
  if (usd > limits.maxCostUsd)
    throw new Refusal(
      "budget_exceeded",
      text(
        `${where}.max_cost_usd: the call may cost ${usd.toPrecision(2)} USD, and ${limits.maxCostUsd} are allowed`,
        `${where}.max_cost_usd: a chamada pode custar ${usd.toPrecision(2)} USD, e são permitidos ${limits.maxCostUsd}`,
      ),
    );
}

type Sending = { init: RequestInit | undefined; body: Buffer };

/** Never rejects but for a `Refusal`. */
async function send(
  deps: OwnCallsDeps,
  call: Call,
  url: URL,
  { init, body }: Sending,
): Promise<{ ended: Forwarded; text: string }> {
  const { provider, path } = call;
  const listener = new Listener(path.dialect);
  const ended: Forwarded = {
    kind: "failed",
    status: null,
    isStream: false,
    bytes: 0,
    heard: listener.heard,
    requestId: null,
    wasSent: false,
    error: null,
  };
  // No key is opened for where it may not go.
  const dispatcher = await deps.connect(url);
  const key = provider.key === undefined ? null : await deps.openKey(provider.key);
  const mask = key?.mask ?? nothingHidden;
  await deps.begin(metered(call, stamp(deps.clock())));
  ended.wasSent = true;
  try {
    const response = await request(url, {
      dispatcher,
      method: "POST",
      headers: {
        ...Object.fromEntries(new Headers(init?.headers)),
        ...(key === null ? {} : credentialOf(path.dialect, key.value)),
        "accept-encoding": "identity",
      },
      body,
      signal: init?.signal ?? null,
    });
    ended.status = response.statusCode;
    if (response.statusCode >= 300 && response.statusCode < 400) {
      await response.body.dump();
      throw redirected(provider, response.statusCode);
    }
    const said = mask(await bounded(response.body));
    ended.bytes = Buffer.byteLength(said);
    listener.whole(said);
    return { ended: { ...ended, kind: "answered" }, text: said };
  } catch (error) {
    return {
      ended: { ...ended, error: error instanceof Error ? error : new Error(String(error)) },
      text: "",
    };
  }
}

async function bounded(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > mostAnswered) throw tooLarge(mostAnswered);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
