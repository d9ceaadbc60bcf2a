import { basename } from "node:path/posix";
import { type Endpoint, endpoints, permits, text } from "@ciclo/contract";
import { getCookie, setCookie } from "hono/cookie";
import type { z } from "zod";
import { fieldError, insufficientPermission, invalidPayload, onlyCalls, Refusal } from "./errors.ts";
import type { Authenticated, Credentials, HoldAnswer, StandingAnswer } from "./domain/access.ts";
import { type Actor, anonymous } from "./domain/actor.ts";
import { readJson } from "./json-body.ts";
import { type Buffered, withBuffer } from "./lib/buffered.ts";
import { isOwnHost, isOwnOrigin, type OwnAddresses } from "./lib/own-addresses.ts";
import { fieldErrors } from "./lib/validation.ts";
import type { ProblemsDeps } from "./problems.ts";
import { addressOf, apiBase, type App, type AppContext, hostOf, localeOf } from "./request.ts";
import type { Call, Mount } from "./domain/mount.ts";

/** A door that anybody may knock at takes no more than its answer needs. */
const maxPublicBytes = 16 * 1024;

/** Under https a cookie that only this very host may set, and that never goes over plain http (RFC 6265bis, section 4.1.3). */
const isSecure = ({ publicUrl }: OwnAddresses): boolean => publicUrl?.startsWith("https:") ?? false;
const cookieName = (addresses: OwnAddresses): string =>
  isSecure(addresses) ? "__Host-ciclo_session" : "ciclo_session";

export type MountDeps = ProblemsDeps & {
  authenticate(credentials: Credentials): Promise<Authenticated>;
  hold: HoldAnswer;
  /** Throws where a thread is not the actor's own. */
  mustOwnThread(actor: Actor, threadId: string): Promise<void>;
  maxBodyBytes: number;
  addresses: OwnAddresses;
};

/** Puts endpoints of the contract on the app: authenticate, authorise, parse, call, present. */
export function createMount(app: App, deps: MountDeps): Mount {
  return (name, handler) => {
    const endpoint: Endpoint = endpoints[name];
    const path = `${apiBase}${endpoint.path.replace(/\{(\w+)\}/g, ":$1")}`;
    app.on(endpoint.method, path, (c) => {
      c.set("endpoint", name);
      return withBuffer((buffered) => answer(c, buffered));
    });
    const answer = async (c: AppContext, buffered: Buffered): Promise<Response> => {
      const authenticated = await enter(c, deps, endpoint);
      if (endpoint.access === "public" || authenticated?.session !== null)
        refuseForeign(c, deps.addresses, endpoint);
      const locale = localeOf(c);
      // A stream that nobody reads would never be cancelled.
      if (c.req.method === "HEAD" && endpoint.stream !== undefined) {
        return c.body(null, 200, streamHeaders(endpoint));
      }
      const actor = authenticated?.actor ?? anonymous;
      const call = {
        actor,
        authenticated,
        params: parse(endpoint.params, withoutNul(c.req.param())),
        query: parse(endpoint.query, withoutNul(c.req.query())),
        body:
          endpoint.body === undefined
            ? undefined
            : parse(endpoint.body, await readJson(c.req.raw, bodyLimit(deps, endpoint), buffered)),
        locale,
        address: addressOf(c),
        header: (header: string) => c.req.header(header),
        setSessionCookie: (value: string, maxAge: number) =>
          setCookie(c, cookieName(deps.addresses), value, {
            httpOnly: true,
            sameSite: "Strict",
            path: "/",
            secure: isSecure(deps.addresses),
            maxAge,
          }),
      };
      await refuseOtherThreads(deps, actor, call.body);
      const result = await handler(call as Call<typeof name>);
      if (result instanceof ReadableStream) {
        const recheck = async (): Promise<void> => void (await enter(c, deps, endpoint));
        const until = authenticated?.until ?? null;
        return c.body(held(result, deps.hold, { recheck, until }), 200, streamHeaders(endpoint));
      }
      return endpoint.response === undefined
        ? c.body(null, 204)
        : c.json(result, endpoint.status === 201 ? 201 : 200);
    };
  };
}

const streamHeaders = ({ stream = "application/x-ndjson", path }: Endpoint): Record<string, string> => ({
  // A file to keep: names in it come from outside, and are no part of this console's pages.
  ...(stream === "text/csv" || stream === "text/html"
    ? {
        "content-type": `${stream}; charset=utf-8`,
        "content-disposition": `attachment; filename="ciclo-${basename(path)}"`,
      }
    : { "content-type": stream }),
  // Proxies such as nginx would hold events back until a buffer is full.
  "x-accel-buffering": "no",
});

const bodyLimit = ({ maxBodyBytes }: MountDeps, { access }: Endpoint): number =>
  access === "public" ? Math.min(maxPublicBytes, maxBodyBytes) : maxBodyBytes;

/**
 * What sets a session cookie or is let in by one comes from a page of ours, as JSON: another site's page could have its
 * visitors send the rest without their knowing.
 */
function refuseForeign(c: AppContext, addresses: OwnAddresses, endpoint: Endpoint): void {
  const [origin, site] = [c.req.header("origin"), c.req.header("sec-fetch-site")];
  const isForeign =
    (origin !== undefined && !isOwnOrigin(origin, hostOf(c), addresses)) ||
    (site !== undefined && site !== "same-origin" && site !== "none");
  if (isForeign) {
    throw new Refusal(
      "csrf_required",
      text(
        "This request comes from another site's page. Open the console itself; where it stands behind a proxy, set CICLO_PUBLIC_URL to the address that people use",
        "Este pedido vem da página de outro site. Abra a própria console; se ela está atrás de um proxy, defina CICLO_PUBLIC_URL com o endereço que as pessoas usam",
      ),
    );
  }
  if (endpoint.body === undefined || /^application\/json *(;|$)/i.test(c.req.header("content-type") ?? ""))
    return;
  throw invalidPayload([fieldError("content-type", "send application/json", "envie application/json")]);
}

/** Nobody plans or submits in another person's thread, on whatever way in. */
async function refuseOtherThreads({ mustOwnThread }: MountDeps, actor: Actor, body: unknown): Promise<void> {
  if (typeof body !== "object" || body === null || !("threadId" in body)) return;
  if (typeof body.threadId === "string") await mustOwnThread(actor, body.threadId);
}

/** Refuses what is not meant for this console, on every route. */
export function refuseOtherHosts(app: App, { addresses }: MountDeps): void {
  app.use(async (c, next) => {
    if (isOwnHost(hostOf(c), addresses)) return next();
    throw new Refusal(
      "policy_denied",
      text(
        "Host is not this console's. Set CICLO_PUBLIC_URL to the address that people reach it at",
        "Host não é desta console. Defina CICLO_PUBLIC_URL com o endereço em que as pessoas a acessam",
      ),
      { quiet: true },
    );
  });
}

/** The stream, as long as its caller may have it. */
function held(
  stream: ReadableStream<Uint8Array>,
  hold: HoldAnswer,
  answer: Omit<StandingAnswer, "end">,
): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  let release = (): void => {};
  let isOver = false;
  return new ReadableStream({
    start(controller) {
      const end = (): void => {
        isOver = true;
        controller.close();
        void reader.cancel();
      };
      release = hold({ ...answer, end });
    },
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (isOver) return;
        if (!done) {
          controller.enqueue(value);
          return;
        }
        release();
        controller.close();
      } catch (error) {
        release();
        controller.error(error);
      }
    },
    async cancel(reason) {
      release();
      await reader.cancel(reason);
    },
  });
}

/** Authenticates and authorises; null on public endpoints. */
async function enter(c: AppContext, deps: MountDeps, endpoint: Endpoint): Promise<Authenticated | null> {
  const authenticated = endpoint.access === "public" ? null : await authenticate(c, deps, endpoint);
  if (authenticated !== null) c.set("actor", authenticated.actor);
  // Refused here and not when it is read, so that what is recorded of it says whose it is.
  if (authenticated?.actor.run !== undefined) throw onlyCalls();
  authorise(endpoint, authenticated);
  return authenticated;
}

async function authenticate(c: AppContext, deps: MountDeps, endpoint: Endpoint): Promise<Authenticated> {
  return deps.authenticate({
    authorization: c.req.header("authorization"),
    cookie: getCookie(c, cookieName(deps.addresses)),
    csrfToken: c.req.header("x-ciclo-csrf"),
    writes: endpoint.method !== "GET",
    address: addressOf(c),
  });
}

function authorise(endpoint: Endpoint, authenticated: Authenticated | null): void {
  if (endpoint.access === "public") return;
  const held = authenticated?.actor.roles ?? [];
  if (!endpoint.access.some((permission) => permits(held, permission))) {
    throw insufficientPermission(endpoint.access);
  }
}

/** Of the path and query: PostgreSQL takes no NUL in text, and nothing of ours is named with one. */
function withoutNul<T extends Record<string, string>>(values: T): T {
  for (const [name, value] of Object.entries(values)) {
    if (value.includes("\0")) {
      throw invalidPayload([
        { path: name, message: text("holds the character U+0000", "contém o caractere U+0000") },
      ]);
    }
  }
  return values;
}

function parse(schema: z.ZodType | undefined, value: unknown): unknown {
  if (schema === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidPayload(fieldErrors(parsed.error));
}
