import type { RpcMessage } from "./messages.ts";

/** Members that decide what a message is. */
const deciding = new Set([
  "jsonrpc",
  "id",
  "method",
  "params",
  "name",
  "uri",
  "ref",
  "notifications",
  "arguments",
  "_meta",
]);
const counted = ['"method"', '"params"', '"name"', '"uri"', '"ref"', '"notifications"'].map((key) =>
  Buffer.from(key),
);
const escapedLetter = Buffer.from("\\u00");

/**
 * The bytes of a message to go on to a server. They are the caller's own where every reader reads
 * the same from them; a message that could be read in two ways, as by a member that is there twice, is
 * rewritten as it was read here. Null for one with a member that differs from a deciding one by
 * its case alone: what readers make of that is theirs.
 */
export function bodyToPass(message: RpcMessage, body: Buffer): Buffer | null {
  if (hasLookalike(message) || hasLookalike(message.params)) return null;
  const isPlain = !body.includes(escapedLetter) && !counted.some((key) => isTwice(body, key));
  return isPlain ? body : Buffer.from(JSON.stringify(message));
}

function isTwice(body: Buffer, key: Buffer): boolean {
  const first = body.indexOf(key);
  return first >= 0 && body.includes(key, first + 1);
}

const hasLookalike = (members: object | undefined): boolean =>
  members !== undefined &&
  members !== null &&
  Object.keys(members).some((key) => !deciding.has(key) && deciding.has(key.toLowerCase()));
