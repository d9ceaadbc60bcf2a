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
      height: 30,
      timestamp: 1795946400,
      title: "test-head",
      command: "npm test",
    },
    [0, "o", "$ npm test\r\n"],
    [0.012, "o", "one\r\ntwo"],
    [1.5, "o", "\u001b[31mred\u001b[0m\r\n"],
    [2, "o", "\r\nexit 1\r\n"],
  ]);
  const [, , last] = linesOf(asciicast(about, { frames: [], ms: 9000, code: null, ended: "timeout" }));
  expect(last).toEqual([9, "o", "\r\nended by the console: timeout\r\n"]);
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
  for (let round = 0; round < 60; round += 1) take(Buffer.alloc(100_000, "x"));
  const text = recorder
    .frames()
    .map((frame) => frame.text)
    .join("");
  expect(text.length).toBeLessThan(2_100_000);
  expect(text).toContain("the rest is not recorded");
});
