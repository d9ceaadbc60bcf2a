import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { legacyFixture, modernFixture } from "../support/mcp/conformance/fixture.ts";
import { clientCommand, conformance, withToken } from "../support/mcp/conformance/suite.ts";
import { startGateway } from "../support/mcp/gateway.ts";
import { remote } from "../support/mcp/handshake.ts";

const page = readFileSync(new URL("../../../../docs/conformance.md", import.meta.url), "utf8");
const patienceMs = 120_000;

/** Scenarios by whether they passed; those that the revision does not score are left out. */
function scoreOf(printed: string): { passed: string[]; failed: string[] } {
  const summary = printed.slice(printed.search(/^=== (?:SUITE )?SUMMARY ===$/m));
  const [results = "", notScored = ""] = summary.split(/^Not scored for/m);
  const unscored = new Set([...notScored.matchAll(/^\s+[✓✗] (\S+) \(/gm)].map(([, name]) => name));
  const lines = [...results.matchAll(/^([✓✗]) (\S+): \d+ passed/gm)].filter(
    ([, , name]) => !unscored.has(name),
  );
  expect(lines.length, printed).toBeGreaterThan(0);
  const of = (mark: string) => lines.flatMap(([, said, name = ""]) => (said === mark ? [name] : []));
  return { passed: of("✓"), failed: of("✗") };
}

/** The row of the page for a run, and what it does not explain. */
function pageRow(revision: string, leg: string, printed: string) {
  const { passed, failed } = scoreOf(printed);
  const row = `| ${revision} | ${leg} | ${passed.length} of ${passed.length + failed.length} |`;
  return { row, unexplained: failed.filter((scenario) => !page.includes(`\`${scenario}\``)) };
}

describe("the MCP conformance suite", () => {
  it.each([
    ["2026-07-28", modernFixture],
    ["2025-11-25", legacyFixture],
  ])(
    "is passed as a server, through the gateway, of %s",
    async (revision, fixture) => {
      const { url } = await fixture();
      const gateway = await startGateway([{ ...remote(url), id: "fixture" }]);
      const { token } = await gateway.person("planner");
      const front = await withToken(gateway.url, token);
      const at = `${front}/mcp/fixture`;
      const printed = await conformance("server", "--url", at, "--requirements", revision);
      const { row, unexplained } = pageRow(revision, "server", printed);
      expect(page, printed).toContain(row);
      expect(unexplained).toEqual([]);
    },
    patienceMs,
  );

  it.each(["2026-07-28", "2025-11-25"])(
    "is passed as a client of %s, but for what the documentation says",
    async (revision) => {
      const printed = await conformance(
        "client",
        // On a busy machine; what hangs is ended by the test.
        "--timeout",
        String(patienceMs),
        "--command",
        await clientCommand(),
        "--requirements",
        revision,
      );
      const { row, unexplained } = pageRow(revision, "client", printed);
      expect(page, printed).toContain(row);
      expect(unexplained).toEqual([]);
    },
    patienceMs,
  );
});
