import { type EndpointName, endpoints, type Problem, problemStatus, text } from "@ciclo/contract";
import type { AuditedTransaction } from "./db/dialect.ts";
import { anonymous } from "./domain/actor.ts";
import { Refusal } from "./errors.ts";
import { newId } from "./lib/ids.ts";
import type { Logger } from "./lib/logger.ts";
import { currentRequestId } from "./lib/request-context.ts";
import { addressOf, apiBase, type App, type AppContext, localeOf } from "./request.ts";

export type ProblemsDeps = { transaction: AuditedTransaction; logger: Logger };

/** Gives each request its id, and turns what is thrown into a recorded problem. */
export function handleProblems(app: App, deps: ProblemsDeps): void {
  app.use(async (c, next) => {
    const given = c.req.header("x-request-id") ?? "";
    c.set("requestId", /^[\w-]{1,64}$/.test(given) ? given : newId());
    c.set("actor", anonymous);
    c.header("x-request-id", c.get("requestId"));
    // Answers hold what only the caller may see, tokens among it.
    if (c.req.path.startsWith(apiBase)) c.header("cache-control", "no-store");
    await currentRequestId.run(c.get("requestId"), next);
  });
  app.notFound((c) => present(c, new Refusal("not_found", text("No such resource", "Recurso inexistente"))));
  app.onError(async (error, c) => {
    const refusal = toRefusal(error, c, deps.logger);
    return present(c, await recordRefusal(deps, c, refusal));
  });
}

function toRefusal(error: unknown, c: AppContext, logger: Logger): Refusal {
  if (error instanceof Refusal) {
    if (error.cause !== undefined)
      logger.warn({ err: error.cause, request_id: c.get("requestId") }, error.message);
    return error;
  }
  logger.error({ err: error, request_id: c.get("requestId") }, "request failed");
  return new Refusal(
    "internal",
    text(
      `Something broke here, not in your request. Look for ${c.get("requestId")} in the log.`,
      `Algo falhou aqui, não no seu pedido. Procure ${c.get("requestId")} no log.`,
    ),
  );
}

/** Writes the audit entry of a refusal; what could not be recorded is refused as that. */
async function recordRefusal(deps: ProblemsDeps, c: AppContext, refusal: Refusal): Promise<Refusal> {
  const name = c.get("endpoint") as EndpointName | undefined;
  const status = problemStatus[refusal.code];
  // Slips on a read, and on a door that anybody may knock at, are no refusals of something protected.
  const isOpen = name !== undefined && endpoints[name].access === "public";
  const isSlip = (c.req.method === "GET" || isOpen) && (status === 400 || status === 404 || status === 413);
  // Asking who one is, as every page does that opens, reaches for nothing.
  const isQuestion = name === "getSession" && (status === 401 || status === 403);
  const isRecordable = refusal.code !== "audit_unavailable" && refusal.code !== "database_unavailable";
  if (name === undefined || isSlip || isQuestion || refusal.quiet || !isRecordable) return refusal;
  try {
    await deps.transaction(async (_, record) => {
      await record({
        actor: c.get("actor"),
        action: `http.${name}`,
        resource: `${c.req.method} ${c.req.path}`,
        status: status >= 500 ? "failed" : "refused",
        metadata: { code: refusal.code, address: addressOf(c) },
      });
    });
    return refusal;
  } catch (error) {
    return toRefusal(error, c, deps.logger);
  }
}

function present(c: AppContext, refusal: Refusal): Response {
  const locale = localeOf(c);
  const status = problemStatus[refusal.code];
  const problem: Problem = {
    type: `urn:ciclo:problem:${refusal.code}`,
    title: refusal.code.replaceAll("_", " "),
    status,
    detail: refusal.detail[locale],
    code: refusal.code,
    request_id: c.get("requestId"),
    ...(refusal.errors.length === 0
      ? {}
      : { errors: refusal.errors.map(({ path, message }) => ({ path, message: message[locale] })) }),
  };
  const headers = new Headers({ "content-type": "application/problem+json" });
  headers.set("x-request-id", c.get("requestId"));
  if (status === 401) headers.set("www-authenticate", "Bearer");
  if (refusal.retryAfter !== undefined) headers.set("retry-after", String(refusal.retryAfter));
  return new Response(JSON.stringify(problem), { status, headers });
}
