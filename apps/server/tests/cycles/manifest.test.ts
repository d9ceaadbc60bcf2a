import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CycleStatement, cyclePredicateType } from "@ciclo/contract";
import { expect, it } from "vitest";
import { carriedThrough, cyclesConsole, headOf } from "../support/cycles/console.ts";
import { temporaryFolder } from "../support/temporary.ts";

const bin = fileURLToPath(new URL("../../bin/ciclo.mjs", import.meta.url));

it("ends with a manifest that a stranger checks without the console, from requirement to cost", async () => {
  const console = await cyclesConsole();
  const { person, approver, gateway, repository } = console;
  const { id } = await console.start();
  const ended = await carriedThrough(console, id);
  expect(ended.state).toBe("completed");
  const folder = await temporaryFolder();
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    CICLO_URL: gateway.url,
    CICLO_TOKEN: person.token,
    CICLO_LOCALE: "en",
  };
  const ciclo = (args: string[], more: Record<string, string> = {}) =>
    spawnSync(process.execPath, [bin, ...args], { env: { ...env, ...more }, encoding: "utf8", cwd: folder });
  // The console answers in this process: what asks it runs beside.
  const [manifest, key] = await Promise.all([
    person.client.call("getCycleEvidence", {
      params: {
        id,
        sha256: ended.evidence.findLast(({ name }) => name === "manifest.sigstore.json")?.sha256 ?? "",
      },
    }),
    person.client.call("getCycleKey"),
  ]);
  const text = Buffer.from(manifest.base64, "base64").toString("utf8");
  writeFileSync(join(folder, "manifest.json"), text);
  writeFileSync(join(folder, "ciclo.pem"), key.public_key);
  const nowhere = { CICLO_URL: "http://127.0.0.1:9", CICLO_TOKEN: "" };
  const verified = ciclo(["cycle", "verify", "manifest.json", "--key", "ciclo.pem", "--json"], nowhere);
  expect(verified.stderr).toBe("");
  const statement = JSON.parse(verified.stdout) as CycleStatement & { ok: boolean };
  expect(statement).toMatchObject({
    ok: true,
    subject: [{ digest: { gitCommit: headOf(repository) } }],
    predicateType: cyclePredicateType,
    predicate: {
      cycle: { id },
      base: ended.base_commit,
      head: headOf(repository),
      requested_by: person.name,
      requirements: [
        {
          id: "R1",
          work_items: ["1"],
          tests: [{ case: "T1", name: "adds two numbers [T1]", on_base: "assertion", on_head: "passed" }],
        },
      ],
      commits: [{ subject: "feat: add instead of subtracting" }, { subject: "docs: sums are wrong" }],
      approvals: [
        { checkpoint: "analyze", by: approver.name },
        { checkpoint: "plan", by: approver.name },
        { checkpoint: "merge", by: approver.name },
      ],
      cost: { calls: 4, unknown_calls: 0 },
    },
  });
  expect(statement.predicate.cost.usd).toBe(ended.cost.usd);
  // Each log that it names is there, by its hash.
  for (const { log } of statement.predicate.gates)
    expect(ended.evidence.map(({ sha256 }) => sha256)).toContain(log);
  expect(ciclo(["cycle", "verify", "manifest.json", "--key", "ciclo.pem"], nowhere).stdout).toContain(
    `signed, and whole: ${id}`,
  );
  // Another word in it, or another key, and it does not hold.
  const bundle = JSON.parse(text) as { dsseEnvelope: { payload: string } };
  const said = Buffer.from(bundle.dsseEnvelope.payload, "base64").toString("utf8");
  bundle.dsseEnvelope.payload = Buffer.from(said.replace(approver.name, "Nobody")).toString("base64");
  writeFileSync(join(folder, "other.json"), JSON.stringify(bundle));
  const forged = ciclo(["cycle", "verify", "other.json", "--key", "ciclo.pem"], nowhere);
  expect([forged.status, forged.stderr]).toEqual([1, expect.stringContaining("The manifest does not hold")]);
  const { publicKey } = generateKeyPairSync("ed25519");
  writeFileSync(join(folder, "else.pem"), publicKey.export({ type: "spki", format: "pem" }));
  expect(ciclo(["cycle", "verify", "manifest.json", "--key", "else.pem"], nowhere).status).toBe(1);
  expect(ciclo(["cycle", "verify", "ciclo.pem", "--key", "ciclo.pem"], nowhere).status).toBe(2);
  expect(ciclo(["cycle", "verify", "manifest.json", "--key", "manifest.json"], nowhere).status).toBe(2);
});
