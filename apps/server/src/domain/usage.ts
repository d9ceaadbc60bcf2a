import type { Text } from "@ciclo/contract";

/** One request through the gateway, as it ended. Times in milliseconds, sizes in bytes of bodies. */
export type UsageEvent = {
  server: string;
  tool: string | null;
  method: string;
  actorId: string | null;
  actorName: string;
  /** The program that called, as it names itself; null where it does not. */
  clientName: string | null;
  clientVersion: string | null;
  /** `ok`, `tool_error`, `error`, `refused`, `timeout`, `cancelled`. */
  status: string;
  error: string | null;
  era: "modern" | "legacy";
  ms: number;
  requestBytes: number;
  responseBytes: number;
  costUsd: number | null;
};

/** Why a call is not let through. */
export type BudgetRefusal = { policy: string; detail: Text };
