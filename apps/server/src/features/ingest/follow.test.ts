import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readOn, start } from "./follow.ts";
import { agentSource, filesOf } from "./sources.ts";

const folder = mkdtempSync(join(tmpdir(), "ciclo-follow-"));
afterAll(() => rmSync(folder, { recursive: true }));

const neverRead = { read: () => [] };
const signal = new AbortController().signal;

test.each(["gone.jsonl", "gone.jsonl.gz"])(
  "%s that cannot be opened is the reader's to hear of",
  async (name) => {
    const reading = readOn(join(folder, name), start, neverRead, () => Promise.resolve(), signal);
    await expect(reading).rejects.toMatchObject({ code: "ENOENT" });
  },
);

test("a folder that cannot be read is told of, and is not the end of the others", async () => {
  const root = join(folder, "file-in-place-of-a-folder");
  writeFileSync(root, "");
  const source = agentSource("codex", root);
  const told: [string, unknown][] = [];
  expect(source && (await filesOf(source, (path, error) => told.push([path, error])))).toEqual([]);
  expect(told).toMatchObject([[root, { code: "ENOTDIR" }]]);
});

const answer = (n: number, more: object = {}): string =>
  `${JSON.stringify({
    type: "assistant",
    timestamp: "2026-11-01T00:00:00.000Z",
    sessionId: "s",
    requestId: `req_${n}`,
    message: { id: `msg_${n}`, model: "claude-sonnet-4-5", usage: { input_tokens: 1, output_tokens: n % 9 } },
    ...more,
  })}\n`;

async function batchesOf(name: string, contents: string) {
  const path = join(folder, name);
  writeFileSync(path, contents);
  const batches: { calls: string[]; bad: number; offset: number }[] = [];
  const reader = agentSource("claude-code", folder)?.readerFor("projects/p/s.jsonl");
  if (reader === undefined) throw new Error("no reader");
  await readOn(
    path,
    start,
    reader,
    ({ calls, bad, position }) => {
      batches.push({ calls: calls.map(({ key }) => key), bad: bad.length, offset: position.offset });
      return Promise.resolve();
    },
    signal,
  );
  return batches;
}

test("chunks that say little are handed over together, and those that say much are not", async () => {
  // 3 MB, in which two answers stand.
  const little = `${answer(1)}${"x".repeat(3_000_000)}\n${answer(2)}`;
  expect(await batchesOf("little.jsonl", little)).toEqual([
    { calls: ["claude:msg_1:req_1", "claude:msg_2:req_2"], bad: 0, offset: little.length },
  ]);
  const much = Array.from({ length: 30_000 }, (_, n) => answer(n)).join("");
  const batches = await batchesOf("much.jsonl", much);
  expect(batches.flatMap(({ calls }) => calls)).toHaveLength(30_000);
  expect(batches.at(-1)?.offset).toBe(much.length);
  for (const { calls } of batches) expect(calls.length).toBeLessThan(10_000);
  // Those that cannot be used are kept with their bytes: no more of them than a few megabytes.
  const bad = `${answer(1, { timestamp: "never" }).trimEnd()}${" ".repeat(1_000_000)}\n`.repeat(40);
  expect((await batchesOf("bad.jsonl", bad)).map((batch) => batch.bad)).toEqual([
    expect.any(Number),
    expect.any(Number),
    expect.any(Number),
  ]);
});

test("an answer is one call, whose blocks may say more from line to line", async () => {
  const usage = (output: number) => ({
    message: { id: "msg_1", model: "claude-sonnet-4-5", usage: { input_tokens: 1, output_tokens: output } },
  });
  const [batch] = await batchesOf(
    "blocks.jsonl",
    [usage(1), usage(1), usage(5), usage(5)].map((more) => answer(1, more)).join(""),
  );
  expect(batch?.calls).toEqual(["claude:msg_1:req_1", "claude:msg_1:req_1"]);
});
