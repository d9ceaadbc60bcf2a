import { auditEventSchema, text } from "@ciclo/contract";
import type { Queries } from "../../db/dialect.ts";
import { isDatabaseUnavailable } from "../../db/unavailable.ts";
import { type AuditEntry, system } from "../../domain/actor.ts";
import { Refusal } from "../../errors.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import { newId } from "../../lib/ids.ts";
import { currentRequestId } from "../../lib/request-context.ts";
import { storable } from "../../lib/storable.ts";
import type { HeadSeal } from "./head-seal.ts";
import * as store from "./store.ts";
import { alteredAction } from "./verify.ts";

const maxMetadata = 16_000;

/** Writes an entry behind the last one. Throws a `Refusal` (`audit_unavailable`) where it cannot be written. */
export async function append(
  queries: Queries,
  { clock, seal }: { clock: Clock; seal: HeadSeal },
  entry: AuditEntry,
): Promise<void> {
  try {
    const event = {
      id: newId(),
      at: stamp(clock()),
      actor_id: entry.actor.id,
      actor_name: storable(entry.actor.name),
      actor_roles: JSON.stringify(entry.actor.roles),
      action: entry.action,
      resource: storable(entry.resource.slice(0, 1000)),
      status: entry.status,
      plan_id: entry.planId === undefined ? null : storable(entry.planId),
      metadata: boundedJson(traced(entry)),
    };
    await store.appendEvent(queries, event, seal, (head) => ({
      ...event,
      id: newId(),
      actor_id: system.id,
      actor_name: system.name,
      actor_roles: JSON.stringify(system.roles),
      action: alteredAction,
      resource: "audit_head",
      status: "failed",
      plan_id: null,
      metadata: JSON.stringify({ found: head }),
    }));
  } catch (error) {
    throw isDatabaseUnavailable(error) ? error : unavailable(error);
  }
}

const { metadata: metadataSchema } = auditEventSchema.shape;

/** With the run that acts as the user, and the id of the request that caused it, if there are. */
function traced({ actor, metadata = {} }: AuditEntry): Readonly<Record<string, unknown>> {
  const requestId = currentRequestId.getStore();
  return {
    ...metadata,
    ...(actor.run === undefined ? {} : { run: actor.run.run }),
    ...(requestId === undefined ? {} : { request_id: requestId }),
  };
}

export const unavailable = (cause: unknown): Refusal =>
  new Refusal(
    "audit_unavailable",
    text(
      "The audit log cannot be written, so nothing was changed. Check the database and try again.",
      "O registro de auditoria não pode ser gravado, então nada foi alterado. Verifique o banco de dados e tente de novo.",
    ),
    { cause },
  );

/** What is hashed is what is read again, by the contract: a name such as `__proto__` would not be. */
function boundedJson(metadata: Readonly<Record<string, unknown>>): string {
  const json = JSON.stringify(metadataSchema.parse(JSON.parse(JSON.stringify(metadata))));
  return json.length <= maxMetadata
    ? json
    : JSON.stringify({ truncated: true, text: json.slice(0, maxMetadata / 2) });
}
