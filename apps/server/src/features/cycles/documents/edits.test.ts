import fc from "fast-check";
import { expect, it } from "vitest";
import { editFindings, withEdits } from "./edits.ts";

const readme = "# Shop\n\nUse `sum`.\n\n## Use\n\nUse `total`.\n";
const documents = new Map([
  ["README.md", readme],
  ["docs/use.md", "one\r\ntwo\r\nthree\r\n"],
  ["mixed.md", "a\r\nb\nc\n"],
]);
const edit = (path: string, find: string, replace: string) => ({ path, find, replace });

it("edits of documents replace a passage that stands there once, one after the other", () => {
  const edits = [
    edit("README.md", "Use `sum`.", "Use `sum(a, b)`."),
    edit("README.md", "Use `sum(a, b)`.", "Use `add(a, b)`."),
    edit("docs/use.md", "one\ntwo", "one\nand two"),
    edit("mixed.md", "b\nc", "b\nd"),
  ];
  expect(editFindings(edits, documents)).toEqual([]);
  expect(Object.fromEntries(withEdits(edits, documents))).toEqual({
    "README.md": readme.replace("Use `sum`.", "Use `add(a, b)`."),
    "docs/use.md": "one\r\nand two\r\nthree\r\n",
    "mixed.md": "a\r\nb\nd\n",
  });
});

it.each([
  [
    edit("LICENSE", "a", "b"),
    "edits[0].path",
    "none of the documents that were shown: README.md, docs/use.md, mixed.md",
  ],
  [edit("README.md", "Use ", "b"), "edits[0].find", "stands in README.md 2 times"],
  [edit("README.md", "Use `sum`.", "a\u0000b"), "edits[0].replace", "nobody would see"],
  [edit("README.md", "Use `sum`.", "a\u202eb"), "edits[0].replace", "nobody would see"],
  [edit("README.md", "Use `sum`.", "Use `sum`."), "edits[0].replace", "what stands there already"],
  [edit("README.md", "nowhere", "b"), "edits[0].find", "stands in README.md 0 times"],
])("an edit that does not fit goes back: %j", (wrong, path, said) => {
  const [finding] = editFindings([wrong], documents);
  expect([finding?.path, finding?.message.en]).toEqual([path, expect.stringContaining(said)]);
});

it("what is not replaced stays letter by letter, whatever is put there", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), (replace) => {
      const made = withEdits([edit("README.md", "Use `sum`.", replace)], documents).get("README.md");
      const at = readme.indexOf("Use `sum`.");
      expect(made).toBe(readme.slice(0, at) + replace + readme.slice(at + "Use `sum`.".length));
    }),
  );
});
