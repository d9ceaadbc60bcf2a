import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { carriedThrough, cyclesConsole, headOf } from "../support/cycles/console.ts";
import { problemOf } from "../support/console.ts";
import { eventually } from "../support/eventually.ts";

it("what policy need not keep of a cycle goes; its manifest stays, and it can still be taken back", async () => {
  const running = await cyclesConsole();
  const { gateway, approver, repository, get } = running;
  const base = headOf(repository);
  const [old, open] = [await running.start(), await running.start("# Another\n\nsum(1, 1) is 0.")];
  const ended = await carriedThrough(running, old.id);
  await running.settled(open.id);
  const copies = () => readdirSync(join(gateway.config.home, "cycles/repositories"));
  const purge = () => gateway.features.retention.service.purge(new AbortController().signal);
  const contents = (sha256: string) =>
    approver.client.call("getCycleEvidence", { params: { id: old.id, sha256 } });
  const shownOf = ({ evidence }: typeof ended) =>
    evidence.map(({ name, sha256, bytes }) => [name, sha256, bytes]);
  const log = ended.evidence.find(({ name }) => name === "test-head.log");
  const manifest = ended.evidence.find(({ name }) => name === "manifest.sigstore.json");
  const { base64 } = await contents(log?.sha256 ?? "");
  expect(log?.bytes).toBe(Buffer.from(base64, "base64").length);

  await purge();
  expect((await get(old.id)).evidence.every(({ removed_at: at }) => at === null)).toBe(true);
  expect(copies()).toHaveLength(1);

  const { queries } = gateway.database;
  const longAgo = "2020-01-01T00:00:00.000Z";
  const age = (id: string) =>
    queries
      .updateTable("cycles")
      .set({ updated_at: longAgo, ...(id === old.id ? { ended_at: longAgo } : {}) })
      .where("id", "=", id)
      .execute();
  await age(old.id);
  await age(open.id);
  await purge();
  const kept = await get(old.id);
  expect(shownOf(kept)).toEqual(shownOf(ended));
  expect(kept.evidence.filter(({ removed_at: at }) => at === null).map(({ name }) => name)).toEqual([
    "manifest.sigstore.json",
  ]);
  expect(await problemOf(contents(log?.sha256 ?? ""))).toMatchObject({
    status: 404,
    detail: expect.stringContaining("policies/retention.yaml") as string,
  });
  expect((await contents(manifest?.sha256 ?? "")).base64).not.toBe("");
  // The other cycle is open, and needs the copy.
  expect(copies()).toHaveLength(1);

  await approver.client.call("cancelCycle", { params: { id: open.id }, body: {} });
  await age(open.id);
  await purge();
  expect(copies()).toEqual([]);
  await approver.client.call("rollbackCycle", { params: { id: old.id }, body: { reason: "Not this" } });
  await eventually(
    () => get(old.id),
    ({ state }) => state === "rolled_back",
    30_000,
  );
  expect(repository.git("diff", base, "main")).toBe("");
});
