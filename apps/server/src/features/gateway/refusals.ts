import type { IncomingMessage, ServerResponse } from "node:http";
import { type Locale, negotiateLocale, problemStatus, text } from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import type { Logger } from "../../lib/logger.ts";
import { sendJson } from "../../lib/node-http.ts";
import { errorBody, rpcCodes, type RpcMessage } from "./messages.ts";

/** How a refusal is said to a caller of the gateway: its HTTP status, and a JSON-RPC error that says why. */
export function sendRefusal(
  request: IncomingMessage,
  response: ServerResponse,
  message: RpcMessage | null,
  refusal: Refusal,
  challenge?: string,
): void {
  const status = problemStatus[refusal.code];
  const headers = waitHeader(refusal.retryAfter);
  if (status === 401 && challenge !== undefined) headers["www-authenticate"] = challenge;
  const code = status === 503 || status === 429 ? rpcCodes.server_unavailable : rpcCodes.policy_denied;
  const body = errorBody(message?.id, code, refusal.detail[localeOf(request)], { code: refusal.code });
  sendJson(response, status, body, headers);
}

/** What is thrown as a refusal; anything else is a fault of ours, which is logged. */
export function refusalOf(error: unknown, logger: Logger): Refusal {
  if (error instanceof Refusal) return error;
  logger.error({ err: error }, "a call through the gateway failed");
  return new Refusal(
    "internal",
    text(
      "Something broke here, not in your call; see the console's log",
      "Algo falhou aqui, não na sua chamada; veja o log da console",
    ),
  );
}

export const waitHeader = (seconds: number | undefined): Record<string, string> =>
  seconds === undefined ? {} : { "retry-after": String(seconds) };

export function localeOf({ headers }: IncomingMessage): Locale {
  const said = headers["accept-language"];
  return negotiateLocale(typeof said === "string" ? said : undefined);
}
