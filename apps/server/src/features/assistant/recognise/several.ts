import { fold } from "../../../lib/fold.ts";
import type { Known } from "./fields.ts";
import { recognise } from "./recognise.ts";

const seams =
  /\s*(?:;|\n+|(?<=[.!])\s+|,?\s+\b(?:e|and)\s+(?:depois |tambem |também |then |also )?|,\s*(?:depois|then|also|e|and)\s+)/gi;
const maxParts = 20;
/** A part that names another thing of the same kind, and leaves the verb out: "… and the agent sales". */
const namesAnother =
  /^(?:(?:o|a|os|as|the|um|uma|an?) )?(?:agente?s?|servers?|servidor(?:es)?|polic(?:y|ies)|politicas?)\b/;
type Part = { start: number; end: number; isRequest: boolean };

/** The requests that a message makes, each in its own words; the message itself where it makes one. Pure. */
export function requestsIn(message: string, known: Known): string[] {
  const found: Part[] = [];
  for (const { start, end } of partsOf(message)) {
    const said = message.slice(start, end);
    const last = found.at(-1);
    const goesOn = last?.isRequest === true && namesAnother.test(fold(said));
    const isRequest = goesOn || recognise(said, known).kind === "request";
    // A list, a purpose or a name that contains "and" continues the part before it.
    if (isRequest || last === undefined) found.push({ start, end, isRequest });
    else last.end = end;
  }
  const requests = found.filter(({ isRequest }) => isRequest);
  return requests.length > 1 ? requests.map(({ start, end }) => message.slice(start, end)) : [message];
}

function partsOf(message: string): { start: number; end: number }[] {
  const parts = [];
  let start = 0;
  for (const seam of message.matchAll(seams)) {
    if (parts.length === maxParts - 1) break;
    parts.push({ start, end: seam.index });
    start = seam.index + seam[0].length;
  }
  return [...parts, { start, end: message.length }].filter(
    (part) => message.slice(part.start, part.end).trim() !== "",
  );
}
