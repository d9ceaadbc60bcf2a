import { text } from "@ciclo/contract";
import { invalidPayload } from "./errors.ts";
import type { Buffered } from "./lib/buffered.ts";
import { readBody } from "./lib/request-body.ts";

/** The JSON of a request's body. Throws `invalid_payload` where it is none, too deep, or holds U+0000. */
export async function readJson(request: Request, maxBytes: number, buffered: Buffered): Promise<unknown> {
  try {
    const source = new TextDecoder("utf-8", { fatal: true }).decode(
      await readBody(request, maxBytes, buffered),
    );
    if (isTooDeep(source)) throw new SyntaxError(`nested more than ${maxDepth} deep`);
    if (/\\u0000/.test(source)) throw new SyntaxError("holds the character U+0000");
    return JSON.parse(source);
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    const why = error instanceof SyntaxError ? error.message : "not UTF-8";
    throw invalidPayload([
      { path: "body", message: text(`is not usable JSON: ${why}`, `não é JSON utilizável: ${why}`) },
    ]);
  }
}

const maxDepth = 100;

/** Counts brackets outside strings: deep nesting would exhaust the stack of whoever walks the value. */
function isTooDeep(source: string): boolean {
  let depth = 0;
  for (const [token] of source.matchAll(/"(?:[^"\\]|\\.)*"?|[[\]{}]/gs)) {
    if (token === "[" || token === "{") depth += 1;
    else if (token === "]" || token === "}") depth -= 1;
    if (depth > maxDepth) return true;
  }
  return false;
}
