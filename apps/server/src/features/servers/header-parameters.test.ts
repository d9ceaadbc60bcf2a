import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { headerProblem } from "./header-parameters.ts";

const schemaOf = (property: object) => ({ type: "object", properties: { a: property } });
const region = { type: "string", "x-mcp-header": "Region" };

describe("header parameters", () => {
  it.each([
    ["a string", schemaOf(region)],
    ["an integer, deep in properties", schemaOf(schemaOf({ type: "integer", "x-mcp-header": "Deep" }))],
    ["a property of that name", { type: "object", properties: { "x-mcp-header": { type: "string" } } }],
    ["none", { type: "object" }],
  ])("may be %s", (_, schema) => {
    expect(headerProblem(schema)).toBeNull();
  });

  it.each([
    ["empty", schemaOf({ ...region, "x-mcp-header": "" }), /is no header name/],
    ["two words", schemaOf({ ...region, "x-mcp-header": "My Region" }), /is no header name/],
    ["not ASCII", schemaOf({ ...region, "x-mcp-header": "Région" }), /is no header name/],
    ["a number", schemaOf({ type: "number", "x-mcp-header": "Score" }), /no string, integer or boolean/],
    ["an object", schemaOf({ type: "object", "x-mcp-header": "Data" }), /no string, integer or boolean/],
    [
      "there twice",
      { properties: { a: region, b: { ...region, "x-mcp-header": "REGION" } } },
      /is there twice/,
    ],
    ["on the schema itself", { ...region }, /reached through properties/],
    ["under items", schemaOf({ type: "array", items: region }), /reached through properties/],
    ["under anyOf", { anyOf: [{ properties: { a: region } }] }, /reached through properties/],
    ["under $defs", { $defs: { x: region }, properties: {} }, /reached through properties/],
  ])("may not be %s", (_, schema, message) => {
    expect(headerProblem(schema)?.en).toMatch(message);
  });

  it("are looked for in whatever a server sends", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (schema) => {
        expect(() => headerProblem(schema)).not.toThrow();
      }),
    );
  });
});
