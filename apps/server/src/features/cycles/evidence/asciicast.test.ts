import fc from "fast-check";
import { expect, it } from "vitest";
import { Recorder } from "../sandbox/recorder.ts";
import { asciicast } from "./asciicast.ts";

const about = { command: "npm test", title: "test-head", at: new Date("2026-11-29T10:00:00.000Z") };
const linesOf = (cast: Buffer): unknown[] =>
  cast
    .toString("utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);

it("a recording is an asciicast v2: a header, then what was printed and when, then how it ended", () => {
  const frames = [
    { ms: 12.4, text: "one\ntwo" },
    { ms: 1500, text: "\u001b[31mred\u001b[0m\r\n" },
  ];
  expect(linesOf(asciicast(about, { frames, ms: 2000, code: 1, ended: null }))).toEqual([
    {
      version: 2,
      width: 120,
      height: 8,
      timestamp: 1795946400,
      title: "test-head",
      command: "npm test",
    },
    [0, "o", "$ npm test\r\n"],
    [0.012, "o", "one\r\ntwo"],
    [1.5, "o", "\u001b[31mred\u001b[0m\r\n"],
    [2, "o", "\u001b[0m\r\nexit 1\r\n"],
  ]);
  const [, , last] = linesOf(asciicast(about, { frames: [], ms: 9000, code: null, ended: "timeout" }));
  expect(last).toEqual([9, "o", "\u001b[0m\r\nended by the console: timeout\r\n"]);
});

it("nothing that was printed is painted over, hidden or moved away", () => {
  const forged = [
    "not ok 1\n",
    "\u001b[2J\u001b[3J\u001b[H\u001bc\u001b[?1049h\u001b[1;5r\u001b(0",
    "\u001b]0;title\u0007\u001bP1$r0m\u001b\\\u009b2J\u0000\u0008\u001b[8mhidden\u001b[1;8mmore\u001b[38;5;1mred\u001b[0m",
  ];
  const frames = forged.map((text, ms) => ({ ms, text }));
  const lines = linesOf(asciicast(about, { frames, ms: 5, code: 1, ended: null })) as [
    number,
    string,
    string,
  ][];
  expect(lines.slice(2, -1).map(([, , text]) => text)).toEqual([
    "not ok 1\r\n",
    "",
    "2J\u0008hiddenmore\u001b[38;5;1mred\u001b[0m",
  ]);
});

it("what is recorded is what was printed, however it is cut into chunks", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), fc.array(fc.nat(400)), (text, cuts) => {
      const bytes = Buffer.from(text.toWellFormed());
      const recorder = new Recorder();
      const take = recorder.stream();
      const at = [0, ...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length];
      at.slice(1).forEach((end, index) => take(bytes.subarray(at[index], end)));
      const said = recorder.frames().map((frame) => frame.text);
      expect(said.join("")).toBe(text.toWellFormed());
    }),
  );
});

it("of a program that prints without end the beginning is recorded, which is said", () => {
  const recorder = new Recorder();
  const take = recorder.stream();
  take(Buffer.from("first\n".padEnd(3_000_000, "x")));
  const text = recorder
    .frames()
    .map((frame) => frame.text)
    .join("");
  expect(text.length).toBeLessThan(2_100_000);
  expect(text).toMatch(/^first\nxxx/);
  expect(text).toContain("the rest is not recorded");
});
