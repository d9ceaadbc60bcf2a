import { Refusal } from "../../errors.ts";
import type { Mask } from "../../lib/mask-values.ts";
import type { Guard, Metered, Outcome } from "./guard.ts";
import { GatewayRefusal } from "./messages.ts";
import type { Relayed } from "./relay.ts";

/** How calls ended, as they are metered. */

/** Runs a bridged request, and meters it however it ends. */
export async function answerMetered<T extends Record<string, unknown>>(
  guard: Guard,
  call: Metered,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  try {
    const result = await work();
    const responseBytes = Buffer.byteLength(JSON.stringify(result));
    const status = result.isError === true ? "tool_error" : "ok";
    guard.meter(call, startedAt, { status, error: null, responseBytes });
    return result;
  } catch (error) {
    // What fails once the caller has left, failed because it left: it is no fault of the server's.
    const outcome = signal.aborted ? cancelled : refusedOutcome(error);
    guard.meter(call, startedAt, outcome);
    throw error;
  }
}

const cancelled: Outcome = { status: "cancelled", error: null, responseBytes: 0 };

export function refusedOutcome(error: unknown): Outcome {
  const said = error instanceof Error ? error.message : "failed";
  if (error instanceof GatewayRefusal) {
    const status =
      error.code === "timeout" ? "timeout" : error.code === "server_unavailable" ? "error" : "refused";
    return { status, error: said, responseBytes: 0 };
  }
  const isAborted = error instanceof Error && error.name === "AbortError";
  const status = error instanceof Refusal ? "refused" : isAborted ? "cancelled" : "error";
  return { status, error: said, responseBytes: 0 };
}

/** `mask` hides what the server is reached with: it may quote that in what becomes an error. */
export function outcomeOf(relayed: Relayed, mask: Mask): Outcome {
  const { error, ...outcome } = plainOutcomeOf(relayed);
  return { ...outcome, error: error === null ? null : mask(error) };
}

function plainOutcomeOf(relayed: Relayed): Outcome {
  if (relayed.kind === "cancelled") return { status: "cancelled", error: null, responseBytes: relayed.bytes };
  if (relayed.kind !== "answered") {
    const error = relayed.error?.message ?? `HTTP ${relayed.kind === "failed" ? relayed.status : ""}`;
    const responseBytes = relayed.kind === "broken" ? relayed.bytes : 0;
    return { status: isLate(relayed.error) ? "timeout" : "error", error, responseBytes };
  }
  const { answer, status, bytes } = relayed;
  const said = answer?.error?.message ?? null;
  const error = typeof said === "string" || said === null ? said : "failed";
  const ended =
    answer?.error !== undefined || status >= 400
      ? "error"
      : answer?.result?.["isError"] === true
        ? "tool_error"
        : "ok";
  return { status: ended, error, responseBytes: bytes };
}

export const isLate = (error: unknown): boolean =>
  /^UND_ERR_(HEADERS|BODY)_TIMEOUT$/.test((error as { code?: string } | null)?.code ?? "");
