import type { ModelUsage } from "../../domain/tokens.ts";
import type { CallSubject, Cost, MeteredCall, ToolCall } from "../../domain/usage.ts";
import { newSequentialId } from "../../lib/ids.ts";
import { storable } from "../../lib/storable.ts";

const mostBytes = Number.MAX_SAFE_INTEGER;
const longestName = 200;
const longestText = 500;

/** A request through the gateway, as the ledger keeps it. */
export function meteredTool(call: ToolCall, at: string): MeteredCall {
  return {
    subject: call.subject,
    key: call.key ?? `gateway:${newSequentialId()}`,
    aliases: [],
    at,
    session: null,
    operation: null,
    attempt: 1,
    status: call.status,
    error: call.error,
    ms: call.ms,
    requestBytes: call.requestBytes,
    responseBytes: call.responseBytes,
    usage: null,
    isReserved: call.isReserved ?? false,
    beyond: call.beyond ?? [],
    cost: toolCost(call),
  };
}

function toolCost({ wasSent, costUsd, subject }: ToolCall): Cost {
  if (!wasSent) return { nanoUsd: null, source: "none", version: null };
  if (costUsd === null) return { nanoUsd: null, source: "unpriced", version: null };
  return {
    nanoUsd: Math.round(costUsd * 1e9),
    source: "override",
    version: `mcp-registry.yaml ${subject.server} ${costUsd} USD`,
  };
}

/** The call with texts that every database takes, none of them without end. */
export function storableCall(call: MeteredCall): MeteredCall {
  const subject = storableSubject(call.subject);
  const isStorable =
    subject === call.subject &&
    call.error === null &&
    areStorable(call) &&
    call.requestBytes <= mostBytes &&
    call.responseBytes <= mostBytes;
  if (isStorable) return call;
  return {
    ...call,
    subject,
    key: storable(call.key),
    aliases: call.aliases.map(storable),
    session: call.session === null ? null : storable(call.session),
    operation: call.operation === null ? null : storable(call.operation),
    usage: storableUsage(call.usage),
    error: call.error === null ? null : storable(call.error.slice(0, longestText)),
    requestBytes: Math.min(call.requestBytes, mostBytes),
    responseBytes: Math.min(call.responseBytes, mostBytes),
  };
}

const isStorableText = (value: string | null): boolean =>
  value === null || (value.isWellFormed() && !value.includes("\0"));

/** Whether all that a call says beside its subject can be kept as it stands. */
const areStorable = ({ key, aliases, session, operation, usage }: MeteredCall): boolean =>
  isStorableText(key) &&
  aliases.every(isStorableText) &&
  isStorableText(session) &&
  isStorableText(operation) &&
  (usage === null || (isStorableText(usage.model) && isStorableText(usage.tier)));

const storableUsage = (usage: ModelUsage | null): ModelUsage | null =>
  usage && {
    ...usage,
    model: usage.model === null ? null : storable(usage.model),
    tier: usage.tier === null ? null : storable(usage.tier),
  };

const storableSubjects = new WeakMap<CallSubject, CallSubject>();

/** One object for one object, so that calls which share their subject go on sharing it. */
function storableSubject(subject: CallSubject): CallSubject {
  const before = storableSubjects.get(subject);
  if (before !== undefined) return before;
  const entries = Object.entries(subject).map(([field, value]) => [
    field,
    typeof value === "string" ? storable(value.slice(0, longestName)) : value,
  ]);
  const isStorable = entries.every(([field, value]) => subject[field as keyof CallSubject] === value);
  const made = isStorable ? subject : (Object.fromEntries(entries) as CallSubject);
  storableSubjects.set(subject, made);
  return made;
}
