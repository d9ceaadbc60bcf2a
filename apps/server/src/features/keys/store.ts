import { handshakeStepSchema, type Renewal, renewalSchema, rotationStates, type Text } from "@ciclo/contract";
import { z } from "zod";
import { fromJson, textSchema } from "../../db/json.ts";
import type { Insertable, Selectable } from "kysely";
import type { Queries } from "../../db/dialect.ts";
import type { KeyRotationTable, KeyVersionTable } from "../../db/schema.ts";

export type KeyId = { provider: string; name: string };
export type StoredKey = KeyId & {
  created_at: string;
  created_by: string;
  revoked_at: string | null;
  renewal: Renewal | null;
  renew_after: string | null;
  renew_error: Text | null;
  renewing_since: string | null;
};
const progressSchema = z.array(
  z.object({ server: z.string(), steps: z.array(handshakeStepSchema.extend({ detail: textSchema })) }),
);
/** How far each server's handshake with the staged value has got. */
export type Progress = z.infer<typeof progressSchema>;
export type Version = Selectable<KeyVersionTable>;
export type VersionState = "staged" | "active" | "retired" | "rejected";
export type StoredRotation = Omit<
  Selectable<KeyRotationTable>,
  "status" | "forced" | "detail" | "servers"
> & {
  status: (typeof rotationStates)[number];
  forced: boolean;
  detail: Text;
  servers: Progress;
};

export async function listKeys(queries: Queries): Promise<StoredKey[]> {
  const rows = await queries.selectFrom("keys").selectAll().orderBy("provider").orderBy("name").execute();
  return rows.map((row) => ({
    ...row,
    renewal: fromJson(renewalSchema.nullable(), row.renewal),
    renew_error: fromJson(textSchema.nullable(), row.renew_error),
  }));
}

export async function findKey(queries: Queries, { provider, name }: KeyId): Promise<StoredKey | undefined> {
  return (await listKeys(queries)).find((key) => key.provider === provider && key.name === name);
}

/** Inserts a key, or brings a revoked one back; false when there is a live one. */
export async function insertKey(
  queries: Queries,
  row: KeyId & { created_at: string; created_by: string },
): Promise<boolean> {
  const none = { renewal: null, renew_after: null, renew_error: null, renewing_since: null };
  const fresh = { ...row, revoked_at: null, ...none };
  const { numInsertedOrUpdatedRows } = await queries
    .insertInto("keys")
    .values(fresh)
    .onConflict((oc) =>
      oc
        .columns(["provider", "name"])
        .doUpdateSet({ revoked_at: null })
        .where("keys.revoked_at", "is not", null),
    )
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

export async function updateKey(
  queries: Queries,
  { provider, name }: KeyId,
  values: Partial<{
    revoked_at: string | null;
    renewal: string | null;
    renew_after: string | null;
    renew_error: string | null;
    renewing_since: string | null;
  }>,
): Promise<void> {
  await queries
    .updateTable("keys")
    .set(values)
    .where("provider", "=", provider)
    .where("name", "=", name)
    .execute();
}

/** Puts a renewal off, for one caller only; false when another has, or it is due no more. */
export async function putOffRenewal(
  queries: Queries,
  { provider, name, renew_after }: StoredKey,
  later: string,
): Promise<boolean> {
  const { numUpdatedRows } = await queries
    .updateTable("keys")
    .set({ renew_after: later })
    .where("provider", "=", provider)
    .where("name", "=", name)
    .where("renew_after", "=", renew_after)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

export const listVersions = (
  queries: Queries,
  states: readonly VersionState[] = ["active", "staged"],
): Promise<Version[]> =>
  queries.selectFrom("key_versions").selectAll().where("state", "in", states).execute();

const inUse = (queries: Queries) =>
  queries
    .selectFrom("key_versions as v")
    .innerJoin("keys as k", (join) =>
      join.onRef("k.provider", "=", "v.provider").onRef("k.name", "=", "v.name"),
    )
    .where("v.state", "=", "active")
    .where("k.revoked_at", "is", null);

/** The value in use of each key. */
export const versionsInUse = (queries: Queries): Promise<Version[]> =>
  inUse(queries).selectAll("v").execute();

export async function isInUse(queries: Queries, { provider, name, version }: Version): Promise<boolean> {
  const row = await inUse(queries)
    .select("v.version")
    .where("v.provider", "=", provider)
    .where("v.name", "=", name)
    .where("v.version", "=", version)
    .executeTakeFirst();
  return row !== undefined;
}

export const versionsOf = (queries: Queries, { provider, name }: KeyId): Promise<Version[]> =>
  queries
    .selectFrom("key_versions")
    .selectAll()
    .where("provider", "=", provider)
    .where("name", "=", name)
    .orderBy("version", "desc")
    .execute();

export async function insertVersion(queries: Queries, row: Insertable<KeyVersionTable>): Promise<void> {
  await queries.insertInto("key_versions").values(row).execute();
}

export async function updateVersion(
  queries: Queries,
  { provider, name }: KeyId,
  version: number,
  values: { state: VersionState; sealed?: string; active_since?: string },
): Promise<void> {
  await queries
    .updateTable("key_versions")
    .set(values)
    .where("provider", "=", provider)
    .where("name", "=", name)
    .where("version", "=", version)
    .execute();
}

export async function insertRotation(queries: Queries, row: StoredRotation): Promise<void> {
  await queries
    .insertInto("key_rotations")
    .values({ ...row, ...rotationJson(row), forced: String(row.forced) })
    .execute();
}

export async function updateRotation(
  queries: Queries,
  id: string,
  values: Pick<StoredRotation, "status" | "detail" | "servers" | "ended_at">,
): Promise<void> {
  await queries
    .updateTable("key_rotations")
    .set({ ...values, ...rotationJson(values) })
    .where("id", "=", id)
    .execute();
}

const rotationJson = ({ detail, servers }: Pick<StoredRotation, "detail" | "servers">) => ({
  detail: JSON.stringify(detail),
  servers: JSON.stringify(servers),
});

const present = (row: Selectable<KeyRotationTable>): StoredRotation => ({
  ...row,
  status: z.enum(rotationStates).parse(row.status),
  forced: row.forced === "true",
  detail: fromJson(textSchema, row.detail),
  servers: fromJson(progressSchema, row.servers),
});

export async function findRotation(queries: Queries, id: string): Promise<StoredRotation | undefined> {
  const row = await queries.selectFrom("key_rotations").selectAll().where("id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : present(row);
}

export async function runningRotations(queries: Queries): Promise<StoredRotation[]> {
  const rows = await queries
    .selectFrom("key_rotations")
    .selectAll()
    .where("status", "=", "running")
    .execute();
  return rows.map(present);
}

/** The newest rotation of each key that has ended. */
export async function lastRotations(queries: Queries): Promise<StoredRotation[]> {
  const rows = await queries
    .selectFrom("key_rotations as r")
    .selectAll()
    .where("r.status", "!=", "running")
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom("key_rotations as later")
            .select("later.id")
            .whereRef("later.provider", "=", "r.provider")
            .whereRef("later.name", "=", "r.name")
            .where("later.status", "!=", "running")
            .whereRef("later.started_at", ">", "r.started_at"),
        ),
      ),
    )
    .execute();
  return rows.map(present);
}
