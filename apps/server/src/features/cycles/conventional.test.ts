import fc from "fast-check";
import { expect, it } from "vitest";
import { asConventional, isConventional } from "./conventional.ts";

it.each([
  ["fix: sums are right\n", "fix: sums are right\n"],
  ["feat(cart)!: drop x\n\nBREAKING CHANGE: y\n", "feat(cart)!: drop x\n\nBREAKING CHANGE: y\n"],
  ["Fix the sums", "fix: fix the sums\n"],
  ["Adiciona o desconto.", "feat: adiciona o desconto\n"],
  ["WIP", "chore: wip\n"],
  ["", "chore: changes without a title\n"],
  ["v1.2.3", "chore: v1.2.3\n"],
  ["fixup! fix: sums", "chore: fixup! fix: sums\n"],
  ["Fix: HTTP headers are kept.", "fix: http headers are kept\n"],
  ["Address review comments", "chore: address review comments\n"],
  ["Fixture files", "chore: fixture files\n"],
  ["FEAT(Cart): Ready\nbody at once", "feat(cart): ready\n\nbody at once\n"],
])("a commit %j is a Conventional Commit as %j", async (message, conventional) => {
  expect(await asConventional(message, "chore")).toBe(conventional);
});

it("however long a message is, it takes no time", async () => {
  for (const long of [`${".".repeat(150_000)}x`, `a${" ".repeat(60_000)}b`, "#1 ".repeat(60_000)])
    expect((await asConventional(long, "chore")).length).toBeLessThan(12_000);
});

it("what does not fit into the header, or into a line, is kept below it", async () => {
  const long = `Update ${"the totals of every order ".repeat(6)}`.trim();
  const [top = "", , ...body] = (await asConventional(long, "chore")).trimEnd().split("\n");
  expect(top).toBe(`${`chore: ${long.toLowerCase()}`.slice(0, 99)}…`);
  expect(body.join(" ")).toBe(long);
  expect(body.every((line) => line.length <= 100)).toBe(true);
});

it("whatever an agent writes, commitlint accepts what becomes of it, which does not change again", async () => {
  const word = fc.oneof(
    fc.constantFrom(
      "Fix",
      "API",
      "feat:",
      "docs(X):",
      "!",
      ".",
      "Merge",
      "É",
      "🙂",
      "(",
      "#1",
      "BREAKING CHANGE: a",
    ),
    fc.string({ maxLength: 12, unit: "grapheme" }),
  );
  const line = fc.array(word, { maxLength: 20 }).map((words) => words.join(" "));
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 6 }), async (lines) => {
      const made = await asConventional(lines.join("\n"), "chore");
      expect([made, await isConventional(made)]).toEqual([made, true]);
    }),
    { numRuns: 300 },
  );
});
