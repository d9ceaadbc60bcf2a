import type { AuditVerdict } from "@ciclo/contract";
import { brokenLink, genesis, type StoredEvent } from "./chain.ts";
import { MerkleFrontier } from "./merkle.ts";
import { openNote, parseCheckpoint } from "./note.ts";

export type VerifySource = {
  /** Events after `seq`, oldest first; an empty list ends the log. */
  eventsAfter(seq: number): Promise<StoredEvent[]>;
  /** Signed notes to hold the log against, from the database and from outside it. */
  notes: readonly string[];
  verifierKey: string;
};

type Broken = NonNullable<AuditVerdict["first_broken"]>;

/**
 * Walks the whole log: each hash, each link, and the Merkle root at the size of
 * every signed checkpoint. Names the first event that is not as it was written.
 */
export async function verifyLog(source: VerifySource): Promise<AuditVerdict> {
  const checkpoints = readNotes(source);
  if ("reason" in checkpoints) return { ok: false, events: 0, first_broken: checkpoints };
  const tree = new MerkleFrontier();
  let previous = { seq: 0, hash: genesis };
  for (let events = await source.eventsAfter(0); events.length > 0;) {
    for (const event of events) {
      const broken = brokenLink(previous, event) ?? appendAndCompare(tree, event, checkpoints);
      if (broken !== null) return { ok: false, events: tree.size, first_broken: broken };
      previous = event;
    }
    events = await source.eventsAfter(previous.seq);
  }
  const longest = Math.max(0, ...checkpoints.keys());
  const cut =
    longest > tree.size ? { seq: tree.size + 1, reason: `${longest} events were signed for` } : null;
  return { ok: cut === null, events: tree.size, first_broken: cut };
}

function appendAndCompare(
  tree: MerkleFrontier,
  event: StoredEvent,
  roots: Map<number, string>,
): Broken | null {
  tree.append(Buffer.from(event.hash, "hex"));
  const signed = roots.get(tree.size);
  if (signed === undefined || signed === tree.root().toString("base64")) return null;
  return { seq: event.seq, reason: "differs from the checkpoint signed at this size" };
}

function readNotes(source: VerifySource): Map<number, string> | Broken {
  const roots = new Map<number, string>();
  for (const note of source.notes) {
    const text = openNote(note, source.verifierKey);
    const checkpoint = text === null ? null : parseCheckpoint(text);
    if (checkpoint === null) return { seq: 0, reason: "a checkpoint is not signed by this console's key" };
    const other = roots.get(checkpoint.size);
    if (other !== undefined && other !== checkpoint.root) {
      return { seq: checkpoint.size, reason: "two checkpoints of this size contradict each other" };
    }
    roots.set(checkpoint.size, checkpoint.root);
  }
  return roots;
}
