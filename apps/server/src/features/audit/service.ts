import {
  type AuditEvent,
  type AuditFilter,
  type AuditQuery,
  type AuditVerdict,
  type Checkpoint,
  type Text,
  text,
} from "@ciclo/contract";
import type { Database, Queries, AuditedTransaction } from "../../db/dialect.ts";
import { isDatabaseUnavailable } from "../../db/unavailable.ts";
import { Refusal } from "../../errors.ts";
import type { Actor } from "../../domain/actor.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import type { Logger } from "../../lib/logger.ts";
import { encodeCursor, type Page, toPage } from "../../lib/page.ts";
import type { EventBus } from "../../lib/events.ts";
import type { StoredEvent } from "./chain.ts";
import { parseFrontier } from "./merkle.ts";
import { checkpointText, createSigner, type NoteSigner } from "./note.ts";
import * as store from "./store.ts";
import { createHeadSeal, type HeadSeal } from "./head-seal.ts";
import { append, unavailable } from "./append.ts";
import { copyProblem } from "./copy.ts";
import { publish, publishedNotes } from "./published.ts";
import { alteredAction, type Broken, verifyLog } from "./verify.ts";

export type AuditDeps = {
  database: Database;
  clock: Clock;
  logger: Logger;
  /** Folder of the JSON-lines copy and the published checkpoints. */
  folder: string;
  /** Ed25519 seed of the checkpoints' signature, 32 bytes. */
  signingKey: Buffer;
  bus: Pick<EventBus, "publish" | "on">;
};

export type AuditService = {
  transaction: AuditedTransaction;
  list(query: AuditQuery): Promise<Page<AuditEvent>>;
  /** Events of one plan, oldest first; at most the latest 1,000. */
  eventsOf(planId: string): Promise<AuditEvent[]>;
  checkpoint(): Promise<Checkpoint>;
  /** The newest checkpoint that is there already; null before the first. */
  lastCheckpoint(): Promise<Checkpoint | null>;
  /** What a quick look at the log's end finds altered; null where nothing. `verify` reads everything. */
  tampering(): Promise<Text | null>;
  /** Reads the whole log. Calls while it runs get the same verdict. */
  verify(): Promise<AuditVerdict>;
  /** Events that the filter lets through, oldest first. */
  all(filter?: AuditFilter): AsyncGenerator<AuditEvent>;
  /** Events behind `seq`, oldest first. */
  after(seq: number, limit: number): Promise<AuditEvent[]>;
  /** Sequence number of the newest event; 0 when there is none. */
  latest(): Promise<number>;
  /** Which actions were recorded behind a sequence number, up to another. */
  actionsBetween(after: number, upTo: number): Promise<string[]>;
  /**
   * Vouches for a log that an older version wrote, whose head has no MAC; once, by a person, who is on record for it.
   * Refuses where the log is not whole, or is vouched for already.
   */
  sealHead(actor: Actor): Promise<void>;
  /** The same as they are stored. */
  storedAfter(seq: number): Promise<StoredEvent[]>;
};

const batch = 5000;
const origin = "ciclo.audit";

export function createAuditService(given: AuditDeps): AuditService {
  const deps = { ...given, seal: createHeadSeal(given.signingKey) };
  const { database } = deps;
  const signer = createSigner(origin, deps.signingKey);
  let verifying: Promise<AuditVerdict> | null = null;
  return {
    transaction: auditedTransaction(deps),
    async list(query) {
      const rows = await store.listEvents(database.queries, query);
      return toPage(rows, query.limit, (event) => encodeCursor(event.seq));
    },
    async eventsOf(planId) {
      return (await store.listEvents(database.queries, { plan_id: planId, limit: 1000 })).toReversed();
    },
    checkpoint: () => signHead(deps, signer),
    tampering: () => tampering(deps),
    async lastCheckpoint() {
      const last = await store.lastCheckpoint(database.queries);
      return last === undefined ? null : present(signer, last);
    },
    verify() {
      verifying ??= verify(deps, signer).finally(() => {
        verifying = null;
      });
      return verifying;
    },
    after: async (seq, limit) =>
      (await store.eventsAfter(database.queries, seq, limit)).map((event) => store.presentEvent(event)),
    latest: () => store.latestSeq(database.queries),
    actionsBetween: (after, upTo) => store.actionsBetween(database.queries, after, upTo),
    sealHead: (actor) => sealOldHead(deps, signer, actor),
    storedAfter: (seq) => store.eventsAfter(database.queries, seq, batch),
    async *all(filter = {}) {
      let seq = 0;
      for (;;) {
        const events = await store.eventsAfter(database.queries, seq, batch, filter);
        for (const event of events) yield store.presentEvent(event);
        if (events.length === 0) return;
        seq = events.at(-1)?.seq ?? seq;
      }
    },
  };
}

async function tampering({ database, seal }: Sealed): Promise<Text | null> {
  const { queries } = database;
  const altered = await store.firstOf(queries, alteredAction);
  if (altered !== null) {
    return text(
      `What stands before entry ${altered} was altered. Run: ciclo audit verify`,
      `O que está antes do registro ${altered} foi alterado. Execute: ciclo audit verify`,
    );
  }
  const head = await store.readHead(queries);
  const hash = (await store.hashesOf(queries, [head.seq])).get(head.seq);
  // An entry that is newer than the head as read is one that was written since.
  const isWhole = head.seq === 0 ? !(await store.hasHistory(queries)) : hash === head.hash;
  if (isWhole && seal.fits(head)) return null;
  return text(
    `The log's end, entry ${head.seq}, is not as the console wrote it. Run: ciclo audit verify`,
    `O fim do registro, o item ${head.seq}, não está como a console o gravou. Execute: ciclo audit verify`,
  );
}

type Sealed = AuditDeps & { seal: HeadSeal };

async function verify(deps: Sealed, signer: NoteSigner): Promise<AuditVerdict> {
  const { queries } = deps.database;
  const published = await publishedNotes(deps.folder);
  if ("reason" in published) return { ok: false, events: 0, first_broken: published };
  const verdict = await verifyLog({
    eventsAfter: (seq) => store.eventsAfter(queries, seq, batch),
    // What is written while the log is read is beyond this verdict.
    head: await store.readHead(queries),
    seal: deps.seal,
    hasRowsBeside: await store.hasRowsBeside(queries),
    hasHistory: await store.hasHistory(queries),
    notes: [...published, ...(await storedNotes(queries))],
    verifierKey: signer.verifierKey,
  });
  if (verdict.first_broken !== null && verdict.first_broken.seq === 0) return verdict;
  const copied = await copyProblem(deps.folder, {
    hashesOf: (seqs) => store.hashesOf(queries, seqs),
    daysBetween: (range) => store.daysBetween(queries, range),
  });
  const broken = earlier(verdict.first_broken, copied);
  return { ...verdict, ok: broken === null, first_broken: broken };
}

async function sealOldHead(deps: Sealed, signer: NoteSigner, actor: Actor): Promise<void> {
  const { queries } = deps.database;
  const head = await store.readHead(queries);
  const nothing = refusedSeal(
    "There is nothing to seal: the end of the log is vouched for.",
    "Não há o que selar: o fim do registro já está garantido.",
  );
  if (head.seq === 0 || head.mac !== null) throw nothing;
  const trusted: HeadSeal = { ...deps.seal, fits: ({ mac }) => mac === null };
  const { first_broken: broken } = await verify({ ...deps, seal: trusted }, signer);
  if (broken !== null) {
    throw refusedSeal(
      `The audit log is not whole: broken at event ${broken.seq}: ${broken.reason}`,
      `O registro de auditoria não está íntegro: quebrado no evento ${broken.seq}: ${broken.reason}`,
    );
  }
  await auditedTransaction(deps)(async (transaction, record) => {
    if (!(await store.sealHead(transaction, head, deps.seal))) throw nothing;
    await record({
      actor,
      action: "audit.sealed",
      resource: "audit_head",
      status: "succeeded",
      metadata: { head },
    });
  });
}

const refusedSeal = (en: string, ptBR: string): Refusal => new Refusal("audit_unavailable", text(en, ptBR));

const earlier = (a: Broken | null, b: Broken | null): Broken | null =>
  a === null || (b !== null && b.seq < a.seq) ? b : a;

function auditedTransaction(deps: Sealed): AuditedTransaction {
  return async (work) => {
    let refusal: unknown;
    try {
      const result = await deps.database.transaction(async (queries) => {
        try {
          return await work(queries, (entry) => append(queries, deps, entry));
        } catch (error) {
          refusal = error;
          throw error;
        }
      });
      void deps.bus.publish("audit.committed");
      return result;
    } catch (error) {
      // What the work itself threw goes on; a transaction that cannot begin or commit changed nothing.
      throw refusal ?? (isDatabaseUnavailable(error) ? error : unavailable(error));
    }
  };
}

/**
 * Signs the log as it stands. The new root extends the frontier of the last signed
 * one, so a checkpoint that contradicts an earlier one cannot come about.
 */
async function signHead(deps: AuditDeps, signer: NoteSigner): Promise<Checkpoint> {
  const { queries } = deps.database;
  const last = await store.lastCheckpoint(queries);
  const tree = parseFrontier(last?.size ?? 0, last?.frontier ?? "");
  if (last !== undefined && tree.root().toString("base64") !== last.root) {
    throw new Refusal(
      "audit_unavailable",
      text(
        `The checkpoint at size ${last.size} was altered; run: ciclo audit verify`,
        `O checkpoint de tamanho ${last.size} foi alterado; execute: ciclo audit verify`,
      ),
    );
  }
  for (;;) {
    const events = await store.eventsAfter(queries, tree.size, batch);
    for (const event of events) tree.append(Buffer.from(event.hash, "hex"));
    if (events.length < batch) break;
  }
  if (last !== undefined && last.size === tree.size) return present(signer, last);
  const root = tree.root().toString("base64");
  const note = signer.sign(checkpointText({ origin, size: tree.size, root }));
  const signed = { size: tree.size, root, frontier: tree.toText(), note, signed_at: stamp(deps.clock()) };
  await store.keepCheckpoint(queries, signed);
  await publish(deps.folder, signed);
  return present(signer, signed);
}

const present = (signer: NoteSigner, checkpoint: store.StoredCheckpoint): Checkpoint => ({
  origin,
  size: checkpoint.size,
  root: checkpoint.root,
  note: checkpoint.note,
  verifier_key: signer.verifierKey,
  signed_at: checkpoint.signed_at,
});

async function storedNotes(queries: Queries): Promise<string[]> {
  return (await store.allCheckpoints(queries)).map((checkpoint) => checkpoint.note);
}
