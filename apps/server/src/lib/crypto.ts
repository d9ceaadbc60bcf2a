import { hash, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";

export const sha256 = (data: string | Uint8Array): string => hash("sha256", data, "hex");

export const sha256Bytes = (data: Uint8Array): Buffer => hash("sha256", data, "buffer");

/** What `users.api_token_hash` holds: lower-case hex SHA-256 of the token. */
export const hashToken = (token: string): string => sha256(token);

/** 32 random bytes in hex, as `openssl rand -hex 32` prints them. */
export const newToken = (): string => randomBytes(32).toString("hex");

/** Compares without telling by its time how much agreed. */
export function equalInConstantTime(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** A 32-byte key for one purpose, derived from the master key (HKDF-SHA-256, RFC 5869). */
export const deriveKey = (masterKey: Uint8Array, purpose: string): Buffer =>
  Buffer.from(hkdfSync("sha256", masterKey, new Uint8Array(), purpose, 32));

const alphabet = "23456789abcdefghijkmnpqrstuvwxyz";

/** A short name from a digest, in an alphabet without look-alikes. */
export const shortName = (digest: Uint8Array, length: number): string =>
  [...digest.subarray(0, length)].map((byte) => alphabet[byte % alphabet.length]).join("");

/**
 * JSON with sorted keys and no white space (the subset of RFC 8785 that our
 * values need: no floats beyond what JSON.stringify writes).
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(",")}}`;
}
