import { inputOf, type ModelUsage } from "../../domain/tokens.ts";
import { type CallSubject, type Cost, type MeteredCall, usageSources } from "../../domain/usage.ts";

/** A call with its price, which is fixed when it is written. */
export type Entry = { call: MeteredCall; cost: Cost };

/** Milliseconds as they are kept. */
export const toMicroseconds = (ms: number): number =>
  Number.isInteger(ms) ? ms : Math.round(ms * 1000) / 1000;

/** All names by which a call is known. */
export function namesOf({ call: { key, aliases } }: Entry): string[] {
  const names = [key];
  for (const alias of aliases) if (!names.includes(alias)) names.push(alias);
  return names;
}

const rankOf = ({ call }: Entry): number => usageSources.indexOf(call.subject.source);

/**
 * One call that was seen twice, as one: figures of the more reliable source, and what only the other knows. Of one source
 * the later word holds. It keeps the first one's key. Returns the first one itself where the second adds nothing. Pure.
 */
export function merge(before: Entry, now: Entry): Entry {
  if (now.call.settles === true) return settled(before, now);
  const isSameSource = before.call.subject.source === now.call.subject.source;
  const merged = isSameSource ? (isLater(before, now) ? now : before) : joined(before, now);
  if (merged === before || says(merged) === says(before)) return before;
  return { ...merged, call: { ...merged.call, key: before.call.key, aliases: [] } };
}

/** What a call used, which was not known, or estimated, when it was recorded. */
function settled(before: Entry, now: Entry): Entry {
  const isKnown = before.call.usage !== null && before.cost.source !== "estimated";
  if (isKnown || now.call.usage === null) return before;
  return { call: { ...before.call, usage: now.call.usage, aliases: [] }, cost: now.cost };
}

/** The better source's word, completed by the other's. */
function joined(before: Entry, now: Entry): Entry {
  const [better, other] = rankOf(now) < rankOf(before) ? [now, before] : [before, now];
  const subject = { ...other.call.subject };
  for (const [field, value] of Object.entries(better.call.subject))
    if (value !== null) Object.assign(subject, { [field]: value });
  const told = knowsMore(other, better) ? other : better;
  return {
    call: {
      ...better.call,
      subject: told === other ? { ...subject, model: other.call.subject.model ?? subject.model } : subject,
      session: better.call.session ?? other.call.session,
      operation: better.call.operation ?? other.call.operation,
      attempt: told.call.attempt,
      ms: better.call.ms ?? other.call.ms,
      error: better.call.error ?? other.call.error,
      usage: told.call.usage ?? other.call.usage,
    },
    cost: told.cost.nanoUsd !== null || other.cost.nanoUsd === null ? told.cost : other.cost,
  };
}

/**
 * Whether a log says in more detail what an export sums up: the attempts of one answer, searches, what was thought or
 * written to a cache, a tier. The wire itself is never outdone.
 */
function knowsMore({ call: log }: Entry, { call: told }: Entry): boolean {
  if (log.subject.source !== "log" || told.subject.source !== "otlp") return false;
  if (log.usage === null || told.usage === null || log.isEstimate === true) return false;
  if (log.operation !== null) return true;
  const [a, b] = [log.usage.tokens, told.usage.tokens];
  return inputOf(a) === inputOf(b) && a.output === b.output && detailOf(log.usage) > detailOf(told.usage);
}

const detailOf = ({ tokens, webSearches, otherModality, tier }: ModelUsage): number =>
  [
    tokens.reasoning,
    tokens.cacheRead,
    tokens.cacheWriteShort + tokens.cacheWriteLong,
    tokens.cacheWriteLong,
    webSearches,
    otherModality,
  ].filter((count) => count > 0).length + (tier === null ? 0 : 1);

/** Whether the second of two words of one source is the later one; where they are of one moment, the one that knows of more. */
function isLater(before: Entry, now: Entry): boolean {
  if (before.call.at !== now.call.at) return now.call.at > before.call.at;
  return (now.call.usage?.tokens.output ?? -1) > (before.call.usage?.tokens.output ?? -1);
}

/** All that a reader of the ledger would notice. */
function says({ call, cost }: Entry): string {
  const { subject, session, operation, attempt, status, error, usage } = call;
  return JSON.stringify([subjectText(subject), session, operation, attempt, status, error, usage, cost]);
}

/** The same text for the same subject. */
export const subjectText = (subject: CallSubject): string =>
  JSON.stringify([
    subject.kind,
    subject.source,
    subject.server,
    subject.tool,
    subject.method,
    subject.era,
    subject.provider,
    subject.model,
    subject.actorId,
    subject.actorName,
    subject.agent,
    subject.agentVersion,
    subject.run,
    subject.phase,
    subject.pullRequest,
    subject.sprint,
  ]);
