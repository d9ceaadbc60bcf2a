import { sha256Bytes } from "../../lib/crypto.ts";

/** Append-only Merkle tree of RFC 6962 §2.1, kept as its frontier: O(log n) memory. */
const leafPrefix = Buffer.from([0]);
const nodePrefix = Buffer.from([1]);

const leafHash = (leaf: Uint8Array): Buffer => sha256Bytes(Buffer.concat([leafPrefix, leaf]));
const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer =>
  sha256Bytes(Buffer.concat([nodePrefix, left, right]));

export class MerkleFrontier {
  #size: number;
  /** Roots of the complete subtrees, largest first: one for each 1 bit of `size`. */
  readonly #peaks: Buffer[];

  constructor(size = 0, peaks: readonly Buffer[] = []) {
    this.#size = size;
    this.#peaks = [...peaks];
  }

  get size(): number {
    return this.#size;
  }

  append(leaf: Uint8Array): void {
    let node = leafHash(leaf);
    for (let bits = this.#size; bits % 2 === 1; bits = Math.floor(bits / 2)) {
      node = nodeHash(this.#peaks.pop() as Buffer, node);
    }
    this.#peaks.push(node);
    this.#size += 1;
  }

  /** Root over all leaves; of none, the hash of nothing. */
  root(): Buffer {
    const last = this.#peaks.at(-1);
    if (last === undefined) return sha256Bytes(Buffer.alloc(0));
    return this.#peaks.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
  }

  /** Text form for storage; `parseFrontier` reads it back. */
  toText(): string {
    return this.#peaks.map((peak) => peak.toString("hex")).join(",");
  }
}

export const parseFrontier = (size: number, peaks: string): MerkleFrontier =>
  new MerkleFrontier(size, peaks === "" ? [] : peaks.split(",").map((peak) => Buffer.from(peak, "hex")));
