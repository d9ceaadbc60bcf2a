import { isUtf8 } from "node:buffer";
import { join, posix } from "node:path";
import type { CheckReport, CycleRecipe } from "@ciclo/contract";
import { z } from "zod";
import { sha256 } from "../../../lib/crypto.ts";
import { fold } from "../../../lib/fold.ts";
import { parseJson } from "../../../lib/parse-json.ts";
import { serverFolder } from "../../../lib/places.ts";
import type { Checkout } from "../checkout.ts";
import type { NewEvidence } from "../stage.ts";
import type { Capture, TestRun } from "./test-run.ts";

const program = join(serverFolder, "src/features/cycles/sandbox/collect.mjs");
/** Of one run of the tests. */
const most = { mostBytes: 48 * 1024 * 1024, mostOfFile: 24 * 1024 * 1024, mostFiles: 200 };
const limits = {
  timeoutMs: 60_000,
  outputBytes: 2 * most.mostBytes,
  memoryBytes: 1024 * 1024 * 1024,
  processes: 20,
};

type On = CheckReport["captures"][number]["on"];

/** What a run of tests left of how things looked. */
export type Captured = {
  captures: CheckReport["captures"];
  files: NewEvidence[];
  /** So many files were left out: too large, too many, or none that can be shown or kept safely. */
  leftOut: number;
};

const headSchema = z.object({
  files: z.array(z.object({ path: z.string(), bytes: z.int().min(1) })),
  left: z.int(),
});

/**
 * Takes pictures, videos and traces out of a checkout in which tests have run: those that the runner names, by test, then those in the
 * folders that the repository's recipe names (`evidence`). They are read within the sandbox, by `node`; what they are is told by their
 * first bytes.
 */
export async function capturesIn(
  checkout: Checkout,
  run: TestRun | null,
  { on, recipe, node, signal }: { on: On; recipe: CycleRecipe; node: string; signal: AbortSignal },
): Promise<Captured> {
  const named = namedIn(run);
  const paths = named.flatMap(({ capture: { path } }) => path ?? []);
  const folders = recipe.evidence ?? [];
  const bodies = named.flatMap(({ test, capture: { name, body } }) =>
    body === null
      ? []
      : [
          {
            test,
            path: name,
            bytes: body.length * 0.75 > most.mostOfFile ? null : Buffer.from(body, "base64"),
          },
        ],
  );
  const found =
    paths.length + folders.length === 0 ? nothing : await filesIn(checkout, { paths, folders, node, signal });
  const testOf = new Map(named.map(({ test, capture: { path } }) => [path, test]));
  const all = [...bodies, ...found.files.map((file) => ({ ...file, test: testOf.get(file.path) ?? null }))];
  const captured: Captured = { captures: [], files: [], leftOut: found.left };
  const names = new Set<string>();
  let kept = 0;
  for (const { test, path, bytes } of all) {
    const mediaType = bytes === null ? null : mediaTypeOf(bytes);
    const size = bytes?.length ?? 0;
    if (
      bytes === null ||
      mediaType === null ||
      captured.files.length >= most.mostFiles ||
      kept + size > most.mostBytes
    ) {
      captured.leftOut += 1;
      continue;
    }
    kept += size;
    const name = newName(
      `captures/${on}/${folderOf(test)}`,
      test === null ? path : posix.basename(path),
      names,
    );
    captured.captures.push({ on, test, name, media_type: mediaType, sha256: sha256(bytes), bytes: size });
    captured.files.push({ name, mediaType, bytes });
  }
  return captured;
}

/** Captures by their tests; those of a test that names its case come first, since there may be too many. */
function namedIn(run: TestRun | null): { test: string; capture: Capture }[] {
  const of = (run?.tests ?? []).flatMap(({ name, captures = [] }) =>
    captures.map((capture) => ({ test: name, capture })),
  );
  const isFirst = ({ test }: { test: string }): boolean => /\[\w+\]/.test(test);
  return [...of.filter(isFirst), ...of.filter((one) => !isFirst(one))];
}

const nothing = { files: [] as { path: string; bytes: Buffer }[], left: 0 };

async function filesIn(
  checkout: Checkout,
  {
    paths,
    folders,
    node,
    signal,
  }: { paths: readonly string[]; folders: readonly string[]; node: string; signal: AbortSignal },
): Promise<typeof nothing> {
  const { code, stdout } = await checkout.run('"$1" "$2"', limits, {
    env: {},
    args: [node, program],
    input: JSON.stringify({ paths, folders, ...most }),
    signal,
  });
  const end = stdout.bytes.indexOf("\n");
  const head = headSchema.safeParse(parseJson(stdout.bytes.toString("utf8", 0, Math.max(0, end))));
  const size = (head.data?.files ?? []).reduce((sum, { bytes }) => sum + bytes, 0);
  // What could not be read whole is left out whole.
  if (code !== 0 || !head.success || stdout.dropped > 0 || stdout.bytes.length !== end + 1 + size)
    return { files: [], left: paths.length };
  let at = end + 1;
  const files = head.data.files.map(({ path, bytes }) => ({
    path,
    bytes: stdout.bytes.subarray(at, (at += bytes)),
  }));
  return { files, left: head.data.left };
}

/** By the first bytes of each, in hexadecimal digits, as its format has them. */
const kinds: readonly (readonly [begin: RegExp, mediaType: string])[] = [
  [/^89504e470d0a/, "image/png"],
  [/^ffd8ff/, "image/jpeg"],
  [/^474946383[79]61/, "image/gif"],
  [/^52494646.{8}57454250/, "image/webp"],
  [/^1a45dfa3/, "video/webm"],
  [/^.{8}66747970/, "video/mp4"],
  [/^504b0304/, "application/zip"],
];
const mostText = 256 * 1024;

function mediaTypeOf(bytes: Buffer): string | null {
  const begin = bytes.toString("hex", 0, 16);
  const known = kinds.find(([pattern]) => pattern.test(begin))?.[1];
  if (known !== undefined) return known;
  return bytes.length > 0 && bytes.length <= mostText && isUtf8(bytes) && !bytes.includes(0)
    ? "text/plain"
    : null;
}

/** A name that no other has, and that nobody is misled by. */
function newName(folder: string, said: string, names: Set<string>): string {
  const plain =
    said
      .toWellFormed()
      .replaceAll(/[\p{C}/\\]+/gu, "-")
      .slice(-120)
      .replace(/^[-.]+/, "") || "file";
  let name = `${folder}${plain}`;
  for (let count = 2; names.has(name); count += 1) name = `${folder}${count}-${plain}`;
  names.add(name);
  return name;
}

const folderOf = (test: string | null): string =>
  test === null
    ? ""
    : `${fold(test)
        .replaceAll(/[^a-z0-9]+/g, "-")
        .slice(0, 80)
        .replaceAll(/^-|-$/g, "")}/`;
