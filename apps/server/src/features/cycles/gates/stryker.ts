import { join } from "node:path";
import { z } from "zod";
import { parseJson } from "../../../lib/parse-json.ts";
import { serverFolder } from "../../../lib/places.ts";
import type { Checkout } from "../checkout.ts";
import type { Limits } from "../sandbox/run.ts";
import type { Replacement } from "./mutants.ts";

const program = join(serverFolder, "src/features/cycles/sandbox/mutate.mjs");
const limits: Limits = {
  timeoutMs: 60_000,
  outputBytes: 32_000_000,
  memoryBytes: 2 * 1024 * 1024 * 1024,
  processes: 20,
};

/** Lines are counted from 0, as Babel counts them; columns in UTF-16 units. */
const placeSchema = z.object({ line: z.int().min(0), column: z.int().min(0) });
const madeSchema = z.array(
  z.array(z.object({ start: placeSchema, end: placeSchema, to: z.string() })).nullable(),
);

/** A file of JavaScript or TypeScript, and the lines of it that are asked about. */
export type SourceFile = { path: string; source: string; lines: readonly number[] };

/**
 * The mutants that Stryker makes of some lines of files (seen: `@stryker-mutator/instrumenter` 10.1.1), in the order of the files; null
 * for a file that it cannot read, and for all of them where it took too long. They are made within the sandbox of a checkout, by `node`.
 */
export async function strykerReplacements(
  checkout: Checkout,
  files: readonly SourceFile[],
  { node, signal }: { node: string; signal: AbortSignal },
): Promise<(Replacement[] | null)[]> {
  if (files.length === 0) return [];
  const { code, stdout } = await checkout.run('"$1" "$2"', limits, {
    env: {},
    args: [node, program],
    input: JSON.stringify(files),
    signal,
  });
  const made = code === 0 ? madeSchema.safeParse(parseJson(stdout.bytes.toString("utf8"))).data : undefined;
  return files.map(({ source }, index) => made?.[index]?.map(inOffsets(source)) ?? null);
}

/** What ends a line for Babel. */
const lineEnd = /\r\n|[\n\r\u2028\u2029]/g;

function inOffsets(
  source: string,
): (made: NonNullable<z.infer<typeof madeSchema>[number]>[number]) => Replacement {
  const starts = [0, ...[...source.matchAll(lineEnd)].map(({ index, 0: end }) => index + end.length)];
  const offset = ({ line, column }: z.infer<typeof placeSchema>): number =>
    (starts[line] ?? source.length) + column;
  return ({ start, end, to }) => ({ start: offset(start), end: offset(end), to });
}
