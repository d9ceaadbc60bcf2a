import { createHmac } from "node:crypto";
import { deriveKey, equalInConstantTime } from "../../lib/crypto.ts";

/** The newest entry as `audit_head` has it, with the MAC over it. `seq` 0 and an empty hash where there is none. */
export type Head = { seq: number; hash: string; mac: string | null };

/**
 * Vouches for the log's end. Whoever may write to the database can recompute the bare chain, but not this MAC: a
 * tail that was cut off or written again no longer fits it.
 */
export type HeadSeal = {
  macOf(head: Pick<Head, "seq" | "hash">): string;
  /** Whether a head is one that a console with this key wrote. */
  fits(head: Head): boolean;
};

/** HMAC-SHA-256 over number and hash of the newest entry, with a key of its own derived from that of the checkpoints. */
export function createHeadSeal(signingKey: Buffer): HeadSeal {
  const key = deriveKey(signingKey, "ciclo audit head v1");
  const macOf: HeadSeal["macOf"] = ({ seq, hash }) =>
    createHmac("sha256", key).update(`${seq} ${hash}`).digest("hex");
  return {
    macOf,
    // A log that nothing was written to has no head to vouch for.
    fits: (head) => (head.mac === null ? head.seq === 0 : equalInConstantTime(head.mac, macOf(head))),
  };
}

/** What is wrong with a head that should be that of a log with this last entry; null when nothing is. */
export function headProblem(seal: HeadSeal, head: Head, last: Pick<Head, "seq" | "hash">): string | null {
  if (head.seq > last.seq) return `the log ends before its head, which is entry ${head.seq}`;
  if (head.seq < last.seq || (head.seq > 0 && head.hash !== last.hash)) {
    return "the last entry is not the one that audit_head names";
  }
  if (seal.fits(head)) return null;
  return head.mac === null
    ? "nothing vouches for its end; right behind an update from a version without that, run: ciclo audit seal"
    : "audit_head was not written by a console with this key";
}
