import fc from "fast-check";
import { parse } from "jsonc-parser";
import { describe, expect, it } from "vitest";
import { readClientFile, writeClientFile } from "./client-files.ts";

const gateway = { name: "ciclo", url: "http://127.0.0.1:8787/mcp" };
const rewritten = (source: string, moved: string[]): string =>
  writeClientFile("cursor", gateway, { file: readClientFile("cursor", source), moved: new Set(moved) })
    .contents;

const source = `{
  // Servers of this machine.
  "mcpServers": {
    // Files of the team.
    // Ask Hana before you touch it.
    "files": { "command": "npx", "env": { "API_TOKEN": "plain-key" } }, // the first

    /* Search */
    "search": { "url": "https://search.example/mcp" }, // agreed in May
    "notes": { "command": "notes" } // mine
  },
  // Of the editor.
  "other": [1, 2]
}
`;

describe("a client's file that moves to the gateway", () => {
  it("keeps the comments of what stays, and loses those of what goes", () => {
    const contents = rewritten(source, ["files"]);
    for (const kept of [
      "// Servers of this",
      "/* Search */",
      "// agreed in May",
      "// mine",
      "// Of the editor",
    ]) {
      expect(contents).toContain(kept);
    }
    for (const gone of ["plain-key", "Files of the team", "Ask Hana", "the first"]) {
      expect(contents).not.toContain(gone);
    }
    expect(contents).toContain('"other": [1, 2]');
  });

  it("keeps them where one goes from the middle, or from the end", () => {
    const middle = rewritten(source, ["search"]);
    expect(middle).toContain("// the first");
    expect(middle).not.toMatch(/Search|agreed in May/);
    const end = rewritten(source, ["notes"]);
    expect(end).toContain("// agreed in May");
    expect(end).not.toContain("// mine");
  });

  it("keeps tabs, CRLF and a comma at the end as they are", () => {
    const contents = rewritten('{\r\n\t"mcpServers": {\r\n\t\t"a": {"url": "x"}, // a\r\n\t},\r\n}\r\n', []);
    expect(contents).toContain('\r\n\t\t"ciclo": {\r\n\t\t\t"url"');
    expect(contents.replaceAll("\r\n", "")).not.toContain("\n");
    expect(contents).toContain("// a");
  });

  it("leaves no server behind that stands there twice", () => {
    const twice =
      '{"mcpServers": {"a": {"url": "plain-key-1"}, "b": {"url": "x"}, "a": {"url": "plain-key-2"}}}';
    expect(rewritten(twice, ["a"])).not.toContain("plain-key");
    const whole =
      '{"mcpServers": {"a": {"url": "plain-key-1"}}, "mcpServers": {"a": {"url": "plain-key-2"}}}';
    expect(rewritten(whole, ["a"])).not.toContain("plain-key");
  });

  it("is what it was but for the servers that moved, however it is laid out", () => {
    const name = fc.constantFrom("a", "b", "c", "d", "ciclo", "with space", "ç");
    const gap = fc.constantFrom("", " ", "\n", "\n  ", " // x\n", "/* y */", "\n\n  // z\n");
    const entry = fc.constantFrom(
      '{"url": "https://x.example"}',
      '{ "command": "npx", "args": ["-y", "// no"] }',
    );
    const member = fc.tuple(name, gap, gap, entry, gap).map(([key, a, b, value, c]) => ({
      key,
      text: `${a}"${key}"${b}:${value}${c}`,
    }));
    fc.assert(
      fc.property(
        fc.uniqueArray(member, { selector: ({ key }) => key, maxLength: 5 }),
        fc.subarray(["a", "b", "c", "d", "with space", "ç"]),
        gap,
        fc.boolean(),
        (members, moved, around, hasComma) => {
          const list =
            members.map(({ text }) => text).join(",") + (hasComma && members.length > 0 ? "," : "");
          const before = `{${around}"mcpServers":${around}{${list}${around}}, "version": 1}`;
          const servers = (parse(before) as { mcpServers: Record<string, unknown> }).mcpServers;
          const contents = rewritten(before, moved);
          const rest = Object.entries(servers).filter(([key]) => !moved.includes(key) && key !== "ciclo");
          expect(parse(contents, [], { allowTrailingComma: true })).toMatchObject({
            version: 1,
            mcpServers: { ...Object.fromEntries(rest), ciclo: { url: gateway.url } },
          });
          for (const key of moved)
            expect(Object.keys((parse(contents) as { mcpServers: object }).mcpServers)).not.toContain(key);
        },
      ),
      { numRuns: 500 },
    );
  });
});
