import { posix } from "node:path";
import { type AuditEvent, type PolicyFile, policyOf } from "@ciclo/contract";
import type { Database } from "../../db/dialect.ts";
import { Refusal } from "../../errors.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import type { Logger } from "../../lib/logger.ts";
import { bodyOf, type Webhook } from "./message.ts";
import { forgetHooks, freeHook, takeHook, tellHook } from "./store.ts";

export type NotifyDeps = {
  database: Database;
  clock: Clock;
  logger: Logger;
  policies(): ReadonlyMap<string, PolicyFile>;
  /** Audit events behind `seq`, oldest first. */
  eventsAfter(seq: number, limit: number): Promise<AuditEvent[]>;
  latest(): Promise<number>;
  /** The value of a stored key. Throws a `Refusal` where there is none. */
  revealKey(reference: string): Promise<string>;
  /** HTTP to wherever the network policy lets the console connect. Follows no redirect. */
  send(input: string, init: RequestInit): Promise<Response>;
  publicUrl: string | undefined;
};

/** So long a node has a webhook for itself, in milliseconds: longer than one message may take. */
const takenMs = 60_000;
const sendMs = 10_000;
const atOnce = 100;
/** What could not be told for so long is of no interest any more. */
const oldestMs = 24 * 3_600_000;

/** Tells each webhook what is new for it. One that fails keeps no other from it, and is tried again. */
export async function tellAll(deps: NotifyDeps, signal: AbortSignal): Promise<void> {
  const failures: unknown[] = [];
  const hooks = policyOf(deps.policies(), "notify")?.webhooks ?? [];
  // A webhook that is configured again hears only what happens after that.
  if (deps.policies().size > 0)
    await forgetHooks(
      deps.database.queries,
      hooks.map(({ id }) => id),
    );
  for (const hook of hooks) {
    if (signal.aborted) return;
    await tell(deps, hook, signal).catch((error: unknown) => failures.push(named(hook, error)));
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1)
    throw new AggregateError(failures, `${failures.length} webhooks could not be told`);
}

async function tell(deps: NotifyDeps, hook: Webhook, signal: AbortSignal): Promise<void> {
  const { database, clock } = deps;
  const now = clock().getTime();
  const taken = await takeHook(database, hook.id, {
    now: stamp(new Date(now)),
    until: stamp(new Date(now + takenMs)),
    latest: await deps.latest(),
  });
  if (taken === null) return;
  let seq = taken;
  try {
    const until = performance.now() + takenMs - 2 * sendMs;
    for (let isBehind = true; isBehind && performance.now() < until && !signal.aborted;) {
      const events = await deps.eventsAfter(seq, atOnce);
      isBehind = events.length === atOnce;
      for (const event of events) {
        if (performance.now() >= until || signal.aborted) return;
        const isOld = Date.parse(event.at) < now - oldestMs;
        if (!isOld && concerns(hook, event)) await post(deps, hook, event, signal);
        seq = event.seq;
        if (concerns(hook, event)) await tellHook(database.queries, hook.id, seq);
      }
    }
  } finally {
    await tellHook(database.queries, hook.id, seq);
    await freeHook(database.queries, hook.id, "");
  }
}

const concerns = ({ on }: Webhook, { action }: AuditEvent): boolean =>
  on.some((form) => form === action || posix.matchesGlob(action, form));

async function post(deps: NotifyDeps, hook: Webhook, event: AuditEvent, signal: AbortSignal): Promise<void> {
  const url = hook.url.startsWith("secret:") ? await deps.revealKey(hook.url) : hook.url;
  const response = await deps.send(url, {
    method: "POST",
    headers: { "content-type": "application/json", "user-agent": "ciclo" },
    body: bodyOf(hook, event, deps.publicUrl),
    signal: AbortSignal.any([signal, AbortSignal.timeout(sendMs)]),
  });
  await response.body?.cancel();
  if (response.ok) return;
  // It would never take this message: others must not wait for it.
  if (refusesMessage.has(response.status))
    deps.logger.error(
      { webhook: hook.id, status: response.status, seq: event.seq },
      "a webhook refuses a message, which is left out",
    );
  else throw new Told(`it answered ${response.status}`);
}

const refusesMessage: ReadonlySet<number> = new Set([400, 413, 415, 422]);

/** What went wrong in words of ours. */
class Told extends Error {}

/** The address may be a secret, and errors of others repeat it: they are named by their code alone. */
function named({ id }: Webhook, error: unknown): Error {
  if (error instanceof Told || error instanceof Refusal) return new Error(`webhook ${id}: ${error.message}`);
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.name) : "unknown";
  return new Error(`webhook ${id}: it cannot be reached (${code})`);
}
