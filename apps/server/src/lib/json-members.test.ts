import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { membersOf } from "./json-members.ts";

describe("members of a JSON text", () => {
  it("are all there, with the values that JSON.parse finds", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 2), (value, indent) => {
        const json = JSON.stringify(value, null, indent);
        // Members whose name is a number come first, whatever their order in the text.
        const read = membersOf(json).map(({ name, from, to }) => [name, JSON.parse(json.slice(from, to))]);
        expect(read).toEqual(Object.entries(JSON.parse(json) as object));
      }),
    );
  });

  it("are there as often as they are written, however their names are", () => {
    const json = String.raw`{"model":"a\\","x":{"model":1},"mod\u0065l":"b\"","list":["model",":"]}`;
    expect(membersOf(json).map(({ name }) => name)).toEqual(["model", "x", "model", "list"]);
  });
});
