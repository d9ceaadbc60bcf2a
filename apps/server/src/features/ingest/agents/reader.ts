import { namesByLikeness } from "../../../domain/likeness.ts";
import { type CallStatus, type CallSubject, type MeteredCall, noSubject } from "../../../domain/usage.ts";
import type { ModelUsage } from "../../../domain/tokens.ts";
import type { Json } from "../said.ts";

/** What earlier lines of a file said that later ones need. Kept with the place up to which a file has been read. */
export type LogContext = Record<string, string | number | boolean | null>;

/** A line that should hold usage and cannot be used. The message says why, for the side file. */
export class LineError extends Error {
  override readonly name = "LineError";
}

/** Reads the log that one kind of agent writes. */
export type AgentLog = {
  agent: string;
  /** Files below the agent's folder that hold usage: `/` between parts. */
  files: RegExp;
  /** Bytes without which a line cannot matter: most lines are long, and are not parsed. */
  marks: readonly string[];
  /**
   * The calls that a line tells of; most lines tell of none. May change the context. Throws a `LineError` or a `UsageError`
   * where a line cannot be used.
   */
  read(line: Json, context: LogContext): MeteredCall[];
};

type Told = {
  key: string;
  aliases?: readonly string[];
  at: string;
  provider: string | null;
  model: string | null;
  agent: string;
  version: string | null;
  session: string | null;
  /** Sessions by which others may know it, where the log gives no id that they have; and whether they know it by time. */
  likeness?: { sessions: readonly (string | null)[]; byTime: boolean };
  usage: ModelUsage | null;
  status?: CallStatus;
  /** Of an answer that took several attempts: what they were made for, and which one it is, from 1. */
  operation?: string;
  attempt?: number;
  /** Whether the log holds less than was used. */
  isEstimate?: boolean;
  ms?: number | null;
};

/** A call as a log tells of it. */
export function loggedCall(told: Told): MeteredCall {
  return {
    subject: loggedSubject(told),
    key: told.key,
    aliases: [...(told.aliases ?? []), ...likenessOf(told)],
    at: told.at,
    session: told.session,
    operation: told.operation ?? null,
    attempt: told.attempt ?? 1,
    status: told.status ?? "ok",
    error: null,
    ms: told.ms ?? null,
    requestBytes: 0,
    responseBytes: 0,
    usage: told.usage,
    isEstimate: told.isEstimate ?? false,
    cost: null,
  };
}

function likenessOf({ likeness, usage, model, at }: Told): string[] {
  if (likeness === undefined || usage === null) return [];
  return namesByLikeness({ ...likeness, model, at, tokens: usage.tokens });
}

const subjects = new Map<string, CallSubject>();
const mostSubjects = 1000;

/** One object for calls that are alike: what comes of it is then looked up once. */
function loggedSubject({ provider, model, agent, version }: Told): CallSubject {
  const said = JSON.stringify([provider, model, agent, version]);
  const known = subjects.get(said);
  if (known !== undefined) return known;
  if (subjects.size >= mostSubjects) subjects.clear();
  const subject: CallSubject = {
    ...noSubject,
    kind: "model",
    source: "log",
    provider,
    model,
    agent,
    agentVersion: version,
  };
  subjects.set(said, subject);
  return subject;
}
