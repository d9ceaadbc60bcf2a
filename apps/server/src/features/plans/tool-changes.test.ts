import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toolChanges } from "./tool-changes.ts";

const lock = (tools: Record<string, string>) => ({
  version: 1 as const,
  servers: { hub: Object.fromEntries(Object.entries(tools).map(([name, hash]) => [name, { hash }])) },
});
const known = (definitions: Record<string, object>) =>
  new Map(Object.entries(definitions).map(([hash, definition]) => [hash, JSON.stringify(definition)]));
const between = (before: object, after: object) =>
  toolChanges(lock({ a: "old" }), lock({ a: "new" }), known({ old: before, new: after }))[0];

describe("what a change of the lock makes of a tool", () => {
  it("tells texts word by word, and the rest place by place", () => {
    const change = between(
      {
        name: "a",
        description: "Reads a file",
        inputSchema: { type: "object", required: ["path"], properties: { path: { type: "string" } } },
      },
      {
        name: "a",
        title: "Read",
        description: "Reads any file",
        annotations: { readOnlyHint: false },
        inputSchema: {
          type: "object",
          required: ["path", "to"],
          properties: { path: { type: "string" }, to: { type: "string", format: "uri" } },
        },
      },
    );
    expect(change).toMatchObject({ change: "changed", is_known: true });
    expect(change?.texts.map(({ field, before, after }) => [field, before, after])).toEqual([
      ["title", null, "Read"],
      ["description", "Reads a file", "Reads any file"],
    ]);
    expect(change?.texts[1]?.words.filter(({ kind }) => kind !== "same")).toEqual([
      { kind: "removed", text: "a" },
      { kind: "added", text: "any" },
    ]);
    expect(
      change?.places.map(({ place, change: how, before, after }) => [place, how, before, after]),
    ).toEqual([
      ["inputSchema.required", "changed", '"path"', '"path", "to"'],
      ["inputSchema.properties.to.type", "added", null, "string"],
      ["inputSchema.properties.to.format", "added", null, "uri"],
      ["annotations.readOnlyHint", "added", null, "false"],
    ]);
  });

  it("leaves out what means nothing: the dialect, the order of members and of sets", () => {
    const before = {
      inputSchema: {
        $schema: "draft-07",
        type: "object",
        required: ["a", "b"],
        properties: { a: {}, b: { enum: ["x", "y"] } },
      },
    };
    const after = {
      inputSchema: {
        properties: { b: { enum: ["y", "x"] }, a: {} },
        required: ["b", "a"],
        type: "object",
        $schema: "2020-12",
      },
    };
    expect(between(before, after)).toMatchObject({ texts: [], places: [] });
  });

  it("tells of tools that come and go, and of those whose definition nobody knows", () => {
    const changes = toolChanges(
      lock({ gone: "old", odd: "old" }),
      lock({ odd: "unknown", more: "new" }),
      known({ old: {}, new: { description: "D" } }),
    );
    expect(changes.map(({ tool, change, is_known }) => [tool, change, is_known])).toEqual([
      ["gone", "removed", true],
      ["more", "added", true],
      ["odd", "changed", false],
    ]);
  });

  it("tells something of any two definitions that differ in a leaf, and nothing of equal ones", () => {
    const definition = fc.dictionary(
      fc.stringMatching(/^[a-z]{2,6}$/),
      fc.oneof(fc.string({ minLength: 1 }), fc.integer(), fc.boolean()),
      { minKeys: 1 },
    );
    fc.assert(
      fc.property(definition, definition, (before, after) => {
        const { title: _t, description: _d, name: _n, ...one } = before;
        const { title: _t2, description: _d2, name: _n2, ...two } = after;
        const differ = [...new Set([...Object.keys(one), ...Object.keys(two)])].filter(
          (key) => String(one[key]) !== String(two[key]),
        );
        expect(
          between(one, two)
            ?.places.map(({ place }) => place)
            .toSorted(),
        ).toEqual(differ.toSorted());
      }),
    );
  });
});
