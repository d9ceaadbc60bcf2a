import type { Known } from "./fields.ts";
import { recognise } from "./recognise.ts";

const seams =
  /\s*(?:;|\n+|(?<=[.!])\s+|,?\s+\b(?:e|and)\s+(?:depois |tambem |também |then |also )?|,\s*(?:depois|then|also|e|and)\s+)/i;
const maxParts = 20;

/** The requests that a message makes, each in its own words; the message itself where it makes one. Pure. */
export function requestsIn(message: string, known: Known): string[] {
  const parts = message
    .split(seams)
    .filter((part) => part.trim() !== "")
    .slice(0, maxParts);
  const found: string[] = [];
  for (const part of parts) {
    const isRequest = recognise(part, known).kind === "request";
    // What is none by itself belongs to the request before it: a list, a purpose, a name with "and" in it.
    if (isRequest || found.length === 0) found.push(part);
    else
      found[found.length - 1] = message.slice(
        message.indexOf(found.at(-1) ?? ""),
        message.indexOf(part) + part.length,
      );
  }
  const requests = found.filter((part) => recognise(part, known).kind === "request");
  return requests.length > 1 ? requests : [message];
}
