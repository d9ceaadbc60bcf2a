import type { Locale } from "@ciclo/contract";

/** A request for a plan: an intent and its payload, in the language that the plan is to speak. */
export type PlanInput = { intent: string; payload: unknown; threadId?: string | undefined; locale: Locale };
