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
