import { type Locale, type Rotation, type Text, text } from "@ciclo/contract";
import type { AuditedTransaction, Database, Queries } from "../../db/dialect.ts";
import { notFound, Refusal } from "../../errors.ts";
import { type Actor, system } from "../../domain/actor.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import type { Tasks } from "../../lib/background.ts";
import type { EventBus } from "../../lib/events.ts";
import { newId } from "../../lib/ids.ts";
import { type LocalStep, present, type Progress, streamOf } from "./rotation-view.ts";
import { noKey } from "./ring.ts";
import { contextOf, recordKey, referenceOf, renewalDue } from "./rules.ts";
import * as store from "./store.ts";
import type { Vault } from "./vault.ts";
import * as vaultStore from "./vault-store.ts";

/** Shakes hands with a server whose `reference` has another value. Throws when it comes to nothing. */
export type HandshakeWith = (
  serverId: string,
  values: ReadonlyMap<string, string>,
  onStep: (step: LocalStep) => void,
  signal: AbortSignal,
) => Promise<void>;

export type RotationsDeps = {
  database: Pick<Database, "exclusively" | "ifFree">;
  queries: Queries;
  transaction: AuditedTransaction;
  clock: Clock;
  vault: Vault;
  usersOf(reference: string): Promise<readonly string[]>;
  handshake: HandshakeWith;
  bus: Pick<EventBus, "publish">;
  /** What goes on behind the answer to a rotation. */
  tasks: Pick<Tasks, "run" | "signal">;
};

export type Staging = {
  value: string;
  expiresAt: string | null;
  /**
   * `prove`: used once every server took it. `force`: used at once, unproven. `report`: used at once,
   * since the old one is gone already, and then tried.
   */
  mode: "prove" | "force" | "report";
  reason?: string | undefined;
};

export type Rotations = {
  begin(actor: Actor, id: store.KeyId, staging: Staging, locale: Locale): Promise<Rotation>;
  find(id: string, locale: Locale): Promise<Rotation>;
  watch(id: string, locale: Locale): Promise<ReadableStream<Uint8Array>>;
  refuseUnderWay(id: store.KeyId): Promise<void>;
  /** Ends what a crash left running, on this node or another. */
  recover(): Promise<void>;
};

/** Rotations of keys: staged, proven, promoted; or rejected, with the old value kept. */
export function createRotations(deps: RotationsDeps): Rotations {
  const { queries } = deps;
  const progress = new Map<string, Progress>();
  const watchers = new Set<() => void>();
  const tell = (): void => watchers.forEach((watcher) => watcher());
  const find = async (id: string, locale: Locale): Promise<Rotation> => {
    const row = await store.findRotation(queries, id);
    if (row === undefined) throw notFound(`No rotation ${id}`, `Não há rotação ${id}`);
    return present(row, progress.get(id), locale);
  };
  const prove = async (rotation: store.StoredRotation, value: string, servers: readonly string[]) => {
    const steps: Progress = servers.map((server) => ({ server, steps: [] }));
    progress.set(rotation.id, steps);
    const values = new Map([[referenceOf(rotation), value]]);
    const outcomes = await Promise.allSettled(
      steps.map((each) =>
        deps.handshake(
          each.server,
          values,
          (step) => {
            each.steps = [...each.steps.filter((before) => before.step !== step.step), step];
            tell();
          },
          deps.tasks.signal,
        ),
      ),
    );
    return { steps, failures: failuresOf(servers, outcomes) };
  };
  return {
    async begin(actor, key, staging, locale) {
      const servers = await deps.usersOf(referenceOf(key));
      const id = newId();
      const staged = Promise.withResolvers<void>();
      let isStaged = false;
      const work = async (): Promise<void> => {
        const rotation = await stage(deps, actor, key, id, staging);
        progress.set(id, []);
        isStaged = true;
        staged.resolve();
        try {
          await carryOut(deps, actor, rotation, staging, servers, prove);
        } finally {
          progress.delete(id);
          tell();
        }
      };
      // Held from before it is written down to its end: what is running and free was cut off.
      void deps.tasks.run(`rotation ${id}`, () =>
        deps.database.exclusively(lockOf(id), work).catch((error: unknown) => {
          // One that was not even staged is the caller's to hear of.
          if (isStaged) throw error;
          staged.reject(error);
        }),
      );
      await staged.promise;
      return find(id, locale);
    },
    find,
    async watch(id, locale) {
      await find(id, locale);
      return streamOf(() => find(id, locale), watchers);
    },
    async refuseUnderWay(id) {
      const versions = await store.versionsOf(queries, id);
      if (versions.some(({ state }) => state === "staged")) throw underWay(id);
    },
    recover: () => recover(deps),
  };
}

const lockOf = (rotationId: string): string => `rotation:${rotationId}`;

async function recover(deps: RotationsDeps): Promise<void> {
  for (const { id } of await store.runningRotations(deps.queries)) {
    await deps.database.ifFree(lockOf(id), async () => {
      const rotation = await store.findRotation(deps.queries, id);
      if (rotation?.status !== "running") return;
      const versions = await store.versionsOf(deps.queries, rotation);
      const isInUse = activeOf(versions).some(({ version }) => version === rotation.version);
      if (isInUse) await settle(deps, system, rotation, "promoted", usedUntold, []);
      else await settle(deps, system, rotation, "rejected", brokeOff, []);
    });
  }
}

const failuresOf = (servers: readonly string[], outcomes: readonly PromiseSettledResult<void>[]): Failure[] =>
  outcomes.flatMap((outcome, index) =>
    outcome.status === "rejected" ? [{ server: servers[index] ?? "", error: outcome.reason as unknown }] : [],
  );

type Failure = { server: string; error: unknown };

const brokeOff = text(
  "The console ended before the handshake did. The old value is kept; rotate again",
  "A console terminou antes do handshake. O valor antigo foi mantido; rotacione de novo",
);

const usedUntold = text(
  "In use, since the old one is revoked. The console ended before the handshake did",
  "Em uso, pois a antiga foi revogada. A console terminou antes do handshake",
);

/**
 * Writes the new value down: not yet in use, but at once where the old one is revoked already.
 * One at a time a key.
 */
async function stage(
  deps: RotationsDeps,
  actor: Actor,
  { provider, name }: store.KeyId,
  rotationId: string,
  { value, expiresAt, mode, reason }: Staging,
): Promise<store.StoredRotation> {
  const id = { provider, name };
  const at = stamp(deps.clock());
  return deps.transaction(async (on, record) => {
    await vaultStore.moveRevision(on);
    // Whoever revoked it meanwhile wins.
    const key = await store.findKey(on, id);
    if (key === undefined || key.revoked_at !== null) throw noKey(id);
    const versions = await store.versionsOf(on, id);
    if (versions.some(({ state }) => state === "staged")) throw underWay(id);
    const version = (versions[0]?.version ?? 0) + 1;
    const rotation: store.StoredRotation = {
      ...id,
      id: rotationId,
      version,
      status: "running",
      forced: mode === "force",
      detail: text("Handshake under way", "Handshake em andamento"),
      servers: [],
      actor: actor.name,
      started_at: at,
      ended_at: null,
    };
    const isInUse = mode === "report";
    if (isInUse) await retire(on, id, activeOf(versions));
    await store.insertVersion(on, {
      ...id,
      version,
      state: isInUse ? "active" : "staged",
      ...(await deps.vault.put(on, value, contextOf(id, version))),
      created_at: at,
      created_by: actor.name,
      active_since: isInUse ? at : null,
      expires_at: expiresAt,
    });
    await store.insertRotation(on, rotation);
    // A renewal that was under way has come to its value.
    await store.updateKey(on, id, { renewing_since: null });
    const metadata = { rotation_id: rotation.id, version, forced: rotation.forced, reason: reason ?? null };
    await recordKey(record, actor, "key.rotation_started", id, metadata);
    return rotation;
  });
}

type Prove = (
  rotation: store.StoredRotation,
  value: string,
  servers: readonly string[],
) => Promise<{ steps: Progress; failures: Failure[] }>;

async function carryOut(
  deps: RotationsDeps,
  actor: Actor,
  rotation: store.StoredRotation,
  { value, mode }: Staging,
  servers: readonly string[],
  prove: Prove,
): Promise<void> {
  if (mode === "force") {
    await settle(deps, actor, rotation, "promoted", unproven, []);
    return;
  }
  if (mode === "report") await deps.bus.publish("keys.changed");
  const { steps, failures } = await prove(rotation, value, servers);
  const [failure] = failures;
  const why = failure === undefined ? null : detailOf(failure);
  if (why === null) await settle(deps, actor, rotation, "promoted", proven(servers), steps);
  else if (mode === "report") await settle(deps, actor, rotation, "promoted", usedAnyway(why), steps);
  else await settle(deps, actor, rotation, "rejected", kept(why), steps);
}

function detailOf({ server, error }: Failure): Text {
  const detail = (error as { detail?: Text }).detail;
  const said = error instanceof Error ? error.message : "failed";
  return text(`${server}: ${detail?.en ?? said}`, `${server}: ${detail?.["pt-BR"] ?? said}`);
}

const withdrawn = text(
  "The key was revoked meanwhile, so the new value was not put in use",
  "A chave foi revogada nesse meio-tempo, então o novo valor não foi posto em uso",
);
const unproven = text("Put in use without a handshake, as asked", "Posta em uso sem handshake, como pedido");
const proven = (servers: readonly string[]): Text =>
  servers.length === 0
    ? text("Put in use; no server takes it yet", "Posta em uso; nenhum servidor a usa ainda")
    : text(`Put in use: ${servers.join(", ")} took it`, `Posta em uso: ${servers.join(", ")} a aceitou`);
const kept = (why: Text): Text =>
  text(`The old value is kept. ${why.en}`, `O valor antigo foi mantido. ${why["pt-BR"]}`);
const usedAnyway = (why: Text): Text =>
  text(
    `Put in use, since the old one is revoked, though the handshake failed. ${why.en}`,
    `Posta em uso, pois a antiga foi revogada, embora o handshake tenha falhado. ${why["pt-BR"]}`,
  );

/** Puts the staged value in use or drops it, with the reason, in one transaction. Values out of use are wiped. */
async function settle(
  deps: RotationsDeps,
  actor: Actor,
  rotation: store.StoredRotation,
  status: "promoted" | "rejected",
  detail: Text,
  steps: Progress,
): Promise<void> {
  const at = stamp(deps.clock());
  await deps.transaction(async (on, record) => {
    await vaultStore.moveRevision(on);
    const versions = await store.versionsOf(on, rotation);
    const mine = versions.find(({ version }) => version === rotation.version);
    // Otherwise it was revoked meanwhile, or settled by another node.
    const isRevoked = (await store.findKey(on, rotation))?.revoked_at !== null;
    const isThere = !isRevoked && (mine?.state === "staged" || mine?.state === "active");
    const isPromoted = status === "promoted" && isThere;
    if (isPromoted) {
      await retire(
        on,
        rotation,
        activeOf(versions).filter(({ version }) => version !== mine.version),
      );
      if (mine.state === "staged")
        await store.updateVersion(on, rotation, mine.version, { state: "active", active_since: at });
      await planRenewal(on, deps, rotation, mine.expires_at);
    } else if (mine?.state === "staged") {
      await retire(on, rotation, [mine], "rejected");
    }
    await store.updateRotation(on, rotation.id, {
      status: isPromoted ? "promoted" : "rejected",
      detail: isThere ? detail : withdrawn,
      servers: steps,
      ended_at: at,
    });
    await recordKey(
      record,
      actor,
      isPromoted ? "key.rotated" : "key.rotation_rejected",
      rotation,
      {
        rotation_id: rotation.id,
        version: rotation.version,
        forced: rotation.forced,
        detail: (isThere ? detail : withdrawn).en,
      },
      isPromoted ? "succeeded" : "failed",
    );
  });
  if (status === "promoted") await deps.bus.publish("keys.changed");
}

const activeOf = (versions: readonly store.Version[]): store.Version[] =>
  versions.filter(({ state }) => state === "active");

/** Takes versions out of use and wipes them. */
async function retire(
  on: Queries,
  id: store.KeyId,
  versions: readonly store.Version[],
  state: "retired" | "rejected" = "retired",
): Promise<void> {
  for (const { version } of versions) await store.updateVersion(on, id, version, { state, sealed: "" });
  await vaultStore.deleteDataKeys(
    on,
    versions.map(({ data_key_id }) => data_key_id),
  );
}

async function planRenewal(
  on: Queries,
  { clock }: RotationsDeps,
  id: store.KeyId,
  expiresAt: string | null,
): Promise<void> {
  const key = await store.findKey(on, id);
  if (key === undefined || key.renewal === null) return;
  // Without an end that is known, asking again at once would never cease.
  const due = expiresAt === null ? null : stamp(renewalDue(key.renewal, expiresAt, clock()));
  await store.updateKey(on, id, { renew_after: due, renew_error: null });
}

const underWay = ({ provider, name }: store.KeyId): Refusal =>
  new Refusal(
    "rotation_running",
    text(
      `Key secret:${provider}/${name} is being rotated already. Wait for its end`,
      `A chave secret:${provider}/${name} já está em rotação. Espere o fim`,
    ),
  );
