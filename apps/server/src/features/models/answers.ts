import type { ServerResponse } from "node:http";
import { type Locale, type ModelDialect, problemStatus } from "@ciclo/contract";
import type { Refusal } from "../../errors.ts";
import { sendJson } from "../../lib/node-http.ts";

/** Google's words for statuses (google.rpc.Code). */
const googleStatus: Record<number, string> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  402: "FAILED_PRECONDITION",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  413: "INVALID_ARGUMENT",
  429: "RESOURCE_EXHAUSTED",
  502: "UNAVAILABLE",
  503: "UNAVAILABLE",
};

/** Anthropic's words for errors. */
const anthropicTypes: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
};

/**
 * A refusal as clients of a dialect show it: agents print `error.message` and nothing else, so the whole sentence stands
 * there. The members of a problem stand beside it, for whoever reads those.
 */
export function sendModelRefusal(
  response: ServerResponse,
  dialect: ModelDialect | null,
  refusal: Refusal,
  locale: Locale,
): void {
  const status = problemStatus[refusal.code];
  const detail = refusal.detail[locale];
  const problem = { title: refusal.code, status, detail, code: refusal.code };
  const body =
    dialect === "anthropic"
      ? { ...problem, type: "error", error: { type: anthropicTypes[status] ?? "api_error", message: detail } }
      : dialect === "google"
        ? {
            ...problem,
            type: "about:blank",
            error: { code: status, message: detail, status: googleStatus[status] ?? "INTERNAL" },
          }
        : {
            ...problem,
            type: "about:blank",
            error: { message: detail, type: refusal.code, code: refusal.code, param: null },
          };
  sendJson(response, status, JSON.stringify(body), {
    "content-type": "application/problem+json",
    ...(refusal.retryAfter === undefined ? {} : { "retry-after": String(refusal.retryAfter) }),
  });
}
