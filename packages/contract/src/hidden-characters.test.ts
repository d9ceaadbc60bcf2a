import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasHidden, showHidden } from "./hidden-characters.ts";

describe("characters that would deceive a reviewer", () => {
  it.each([
    ["\u202E", "‹U+202E›"],
    ["\u2066", "‹U+2066›"],
    ["\u061C", "‹U+061C›"],
    ["\u00AD", "‹U+00AD›"],
    ["\u200B", "‹U+200B›"],
    ["\u3164", "‹U+3164›"],
    ["\u{E0041}", "‹U+E0041›"],
    ["\u001B", "‹U+001B›"],
    ["\r", "‹U+000D›"],
    ["a\u200Db", "a‹U+200D›b"],
    ["a\uFE0F", "a‹U+FE0F›"],
  ])("%j is written out", (text, shown) => {
    expect(showHidden(text)).toBe(shown);
    expect(hasHidden(text)).toBe(true);
  });

  it.each(["plain\n\ttext", "ação — 日本語 ميزانية שלום", "👩‍👩‍👧 🏳️‍🌈 👍🏽 🇧🇷 1️⃣ ❤️", "\uE000"])(
    "%j stays as it is",
    (text) => {
      expect(showHidden(text)).toBe(text);
      expect(hasHidden(text)).toBe(false);
    },
  );

  // `unit: "binary"` would list all of them first, for seconds.
  const anyCharacter = fc.nat(0x10_ff_ff).map((code) => String.fromCodePoint(code));
  it("leave nothing behind that would be found again", () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter }), (text) => {
        expect(hasHidden(showHidden(text))).toBe(false);
      }),
    );
  });
});
