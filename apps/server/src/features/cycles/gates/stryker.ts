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

const offset = z.int().min(0);
const madeSchema = z.array(z.array(z.object({ start: offset, end: offset, to: z.string() })).nullable());

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
  return files.map((_, index) => made?.[index] ?? null);
}
