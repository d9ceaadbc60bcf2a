import type { AuditVerdict } from "@ciclo/contract";
import { brokenLink, genesis, type StoredEvent } from "./chain.ts";
import { MerkleFrontier } from "./merkle.ts";
import { type Head, headProblem, type HeadSeal } from "./head-seal.ts";
import { openNote, parseCheckpoint } from "./note.ts";

export type VerifySource = {
  /** Events after `seq`, oldest first; an empty list ends the log. */
  eventsAfter(seq: number): Promise<StoredEvent[]>;
  /** Signed notes to hold the log against, from the database and from outside it. */
  notes: readonly string[];
  verifierKey: string;
  /** The log's head, and what vouches for it. Entries behind it are not looked at. */
  head: Head;
  seal: HeadSeal;
  /** Whether rows stand beside the log: no console writes those. */
  hasRowsBeside: boolean;
  /** Whether there is what nobody can have made without an entry. */
  hasHistory: boolean;
};

export type Broken = NonNullable<AuditVerdict["first_broken"]>;

/**
 * Walks the whole log: each hash, each link, the Merkle root at the size of every signed checkpoint, and
 * its end against the head's MAC. Names the first event that is not as it was written.
 */
export async function verifyLog(source: VerifySource): Promise<AuditVerdict> {
  const checkpoints = readNotes(source);
  if ("reason" in checkpoints) return { ok: false, events: 0, first_broken: checkpoints };
  const tree = new MerkleFrontier();
  let previous = { seq: 0, hash: genesis };
  for (let events = await source.eventsAfter(0); events.length > 0;) {
    for (const event of events) {
      // What is written while the log is read is vouched for by a head that is newer than ours.
      if (event.seq > source.head.seq) break;
      const broken =
        brokenLink(previous, event) ?? appendAndCompare(tree, event, checkpoints) ?? alteration(event);
      if (broken !== null) return { ok: false, events: tree.size, first_broken: broken };
      previous = event;
    }
    if (events.at(-1)?.seq !== previous.seq) break;
    events = await source.eventsAfter(previous.seq);
  }
  const cut = endProblem(source, previous, checkpoints, tree.size);
  return { ok: cut === null, events: tree.size, first_broken: cut };
}

/** Action of the entry that says that the log's head, as it was found, was not a console's. */
export const alteredAction = "audit.head_altered";

const alteration = ({ seq, action }: StoredEvent): Broken | null =>
  action === alteredAction
    ? { seq, reason: "the log before this entry was altered: its head was not a console's" }
    : null;

/** Whether the log ends where it should: by what was signed for, and by its head. */
function endProblem(
  { head, seal, hasRowsBeside, hasHistory }: VerifySource,
  last: { seq: number; hash: string },
  checkpoints: ReadonlyMap<number, string>,
  size: number,
): Broken | null {
  const next = size + 1;
  const signed = Math.max(0, ...checkpoints.keys());
  if (signed > size) return { seq: next, reason: `${signed} events were signed for` };
  if (hasRowsBeside)
    return { seq: next, reason: "there are rows that are no entries: without a number, or beside the log" };
  if (size === 0 && hasHistory)
    return {
      seq: 1,
      reason: "the log is empty, but the database holds users, changes or keys that it must have recorded",
    };
  const problem = headProblem(seal, head, last);
  return problem === null ? null : { seq: Math.min(next, head.seq), reason: problem };
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
