import { namesByLikeness } from "../../domain/likeness.ts";
import type { ModelUsage } from "../../domain/tokens.ts";
import type { CallSubject, Cost, MeteredCall, Reservation } from "../../domain/usage.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import type { Asked } from "./asked.ts";
import type { Forwarded } from "./forward.ts";
import { aliasesOf, statusOf, usageOf } from "./outcome.ts";
import type { ModelPath } from "./paths.ts";
import type { Provider } from "./providers.ts";

/** A call of a model, on its way. */
export type Call = {
  /** By which the ledger knows it. */
  key: string;
  path: ModelPath;
  provider: Provider;
  asked: Asked | null;
  subject: CallSubject;
  session: string | null;
  /** The agent by how its program names itself, whatever its token says. */
  program: string | null;
  /** All names that the agent gives its session. */
  sessions: readonly string[];
  startedAt: number;
  requestBytes: number;
  /** Tokens of the answer that it continues, which the provider keeps. */
  context?: number;
  /** What several calls were made for, and which of them it is. */
  operation?: string;
  attempt?: number;
};

type Paid = { subject: CallSubject; cost: Cost; usage: ModelUsage | null };

export type RecordDeps = {
  /** Records a call that has ended. Returns what it cost. */
  record(call: MeteredCall): Cost;
  clock: Clock;
};

/** Puts what came of a call into the ledger: a row for each attempt that the provider bills. */
export function recordCall(
  { record, clock }: RecordDeps,
  call: Call,
  ended: Forwarded | null,
  reservation: Pick<Reservation, "beyond"> | null,
): Paid[] {
  const ms = performance.now() - call.startedAt;
  const told = usageOf({ ...call, ms }, ended);
  const settles = call.path.use === "retrieve";
  // What is asked for again and says nothing new is no call of a model.
  if (settles && (told[0]?.usage ?? null) === null) return [];
  const at = stamp(clock());
  const base = { ...metered(call, at), status: statusOf(ended), settles, isReserved: reservation !== null };
  return told.map(({ usage: said, isEstimate = false, cost }, index) => {
    const isFirst = index === 0;
    const { key } = base;
    // Budgets let in the model that was asked for. Another one that took its turn is named by its attempt.
    const subject = said?.model == null ? base.subject : { ...base.subject, model: said.model };
    // The one that answered has the price: `gpt-5.2-2025-12-11` for `gpt-5.2`.
    const answered = said?.model ?? ended?.heard.model ?? null;
    const usage = said && { ...said, model: answered === subject.model ? null : answered };
    const paid = record({
      ...base,
      subject,
      key: isFirst ? key : `${key}#${index}`,
      aliases: [...aliasesOf(ended, index), ...likenessOf(call, usage, at)],
      operation: call.operation ?? (told.length > 1 ? key : null),
      attempt: (call.attempt ?? 1) + index,
      error: ended?.error?.message ?? ended?.heard.failure ?? ended?.heard.problem ?? null,
      ms: isFirst ? ms : null,
      requestBytes: isFirst ? call.requestBytes : 0,
      responseBytes: isFirst ? (ended?.bytes ?? 0) : 0,
      usage,
      isEstimate,
      beyond: reservation?.beyond ?? [],
      cost,
    });
    return { subject, cost: paid, usage };
  });
}

/** Agents that keep no id of answers; those that name no session either are known by time. */
const namesNoSession: ReadonlySet<string> = new Set(["gemini-cli", "qwen-code"]);
const keepsNoId: ReadonlySet<string> = new Set([...namesNoSession, "codex", "opencode"]);

function likenessOf({ subject, program, sessions }: Call, usage: ModelUsage | null, at: string): string[] {
  const agent = program ?? "";
  if (usage === null || !keepsNoId.has(agent)) return [];
  const { tokens, model } = usage;
  const byTime = namesNoSession.has(agent);
  // Some sources say which model was asked, others which one answered.
  const names = [model ?? subject.model, subject.model].flatMap((named) =>
    namesByLikeness({ sessions, model: named, at, tokens, byTime }),
  );
  return [...new Set(names)];
}

/** A call as far as it is known when it begins. */
export const metered = ({ key, subject, session, requestBytes }: Call, at: string): MeteredCall => ({
  subject,
  key,
  aliases: [],
  at,
  session,
  operation: null,
  attempt: 1,
  status: "pending",
  error: null,
  ms: null,
  requestBytes,
  responseBytes: 0,
  usage: null,
  cost: null,
});
