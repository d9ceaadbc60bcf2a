import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { appendYaml, type Json, type JsonObject, mergePatchYaml, writeYaml } from "./yaml-edit.ts";

const source = `# Who may spend what.
id: spend-guard   # the name
limits:
  daily_usd:    20 # resets at midnight
  monthly_usd: 200

# When to tell somebody.
alert_at: [0.5, 0.8]
on_exceeded: ask
`;

/** RFC 7396 §2, word for word. */
function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}
const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

describe("a merge patch on YAML", () => {
  it("changes the characters of a scalar and nothing else", () => {
    expect(mergePatchYaml(source, { limits: { monthly_usd: 1000, daily_usd: 50 } })).toBe(
      source.replace("200", "1000").replace("20 #", "50 #"),
    );
  });

  it("keeps comments and order where keys come and go", () => {
    const edited = mergePatchYaml(source, { limits: { daily_usd: null, monthly_tokens: 5 }, title: "New" });
    expect(edited).toContain("# Who may spend what.");
    expect(edited).toContain("# When to tell somebody.");
    expect(Object.keys(parse(edited) as object)).toEqual([
      "id",
      "limits",
      "alert_at",
      "on_exceeded",
      "title",
    ]);
    expect((parse(edited) as { limits: object }).limits).toEqual({ monthly_usd: 200, monthly_tokens: 5 });
  });

  it("keeps CRLF line ends", () => {
    const crlf = source.replaceAll("\n", "\r\n");
    const edited = mergePatchYaml(crlf, { on_exceeded: "block" });
    expect(edited).toBe(crlf.replace("ask", "block"));
    expect(mergePatchYaml(crlf, { title: "x" }).replaceAll("\r\n", "")).not.toContain("\n");
  });

  const key = fc.stringMatching(/^[a-z][a-z_]{0,5}$/);
  const leaf = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
  );
  const value: fc.Arbitrary<Json> = fc.letrec<{ node: Json; object: JsonObject }>((tie) => ({
    node: fc.oneof({ maxDepth: 3 }, leaf, fc.array(leaf, { maxLength: 3 }), tie("object")),
    object: fc.dictionary(key, tie("node"), { maxKeys: 4, noNullPrototype: true }),
  })).object;
  const patch = fc.letrec<{ node: Json; object: JsonObject }>((tie) => ({
    node: fc.oneof({ maxDepth: 3 }, leaf, fc.constant(null), fc.array(leaf, { maxLength: 3 }), tie("object")),
    object: fc.dictionary(key, tie("node"), { maxKeys: 4, noNullPrototype: true }),
  })).object;

  it("means what RFC 7396 says", () => {
    fc.assert(
      fc.property(value, patch, (before, changes) => {
        const edited = mergePatchYaml(stringify(before), changes);
        expect(parse(edited) ?? {}).toEqual(mergePatch(before, changes));
      }),
      { numRuns: 300 },
    );
  });

  it("loses no comment to a change of scalars", () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.constantFrom("block", "warn", "a: b", "#x", "yes", ""), (amount, word) => {
        const edited = mergePatchYaml(source, { limits: { monthly_usd: amount }, on_exceeded: word });
        for (const [comment] of source.matchAll(/#.*$/gm)) expect(edited).toContain(comment);
        expect(parse(edited)).toMatchObject({ limits: { monthly_usd: amount }, on_exceeded: word });
      }),
    );
  });

  it("reads back what it writes", () => {
    fc.assert(
      fc.property(value, (object) => {
        expect(parse(writeYaml(object as JsonObject))).toEqual(object);
      }),
    );
  });

  it("appends to a list, empty, flowing or missing", () => {
    for (const [text, expected] of [
      ["# c\nservers: []\n", 1],
      ["servers:\n  - id: a # first\n", 2],
      ["servers:\n- id: a\n", 2],
      ["other: 1\n", 1],
    ] as const) {
      const edited = appendYaml(text, ["servers"], { id: "b" });
      expect((parse(edited) as { servers: unknown[] }).servers).toHaveLength(expected);
      for (const [comment] of text.matchAll(/#.*$/gm)) expect(edited).toContain(comment);
    }
  });
});
