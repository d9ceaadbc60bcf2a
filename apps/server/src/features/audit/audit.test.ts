import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { system } from "../../domain/actor.ts";
import { settableClock } from "../../../tests/support/clock.ts";
import { problemOf, startConsole } from "../../../tests/support/console.ts";
import { brokenLink, eventHash, genesis, type StoredEvent } from "./chain.ts";
import { MerkleFrontier, parseFrontier } from "./merkle.ts";
import { checkpointText, createSigner, openNote, parseCheckpoint } from "./note.ts";

const hash = (...parts: Uint8Array[]): Buffer => createHash("sha256").update(Buffer.concat(parts)).digest();

/** RFC 6962 §2.1, word for word, to hold the frontier against. */
function merkleRoot(leaves: readonly Uint8Array[]): Buffer {
  const [first] = leaves;
  if (first === undefined) return hash();
  if (leaves.length === 1) return hash(Buffer.from([0]), first);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return hash(Buffer.from([1]), merkleRoot(leaves.slice(0, split)), merkleRoot(leaves.slice(split)));
}

describe("the Merkle frontier", () => {
  it("has the root of RFC 6962 at every size, also when read back from text", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 70 }), fc.nat(), (leaves, at) => {
        let tree = new MerkleFrontier();
        leaves.forEach((leaf, index) => {
          if (index === at % (leaves.length + 1)) tree = parseFrontier(tree.size, tree.toText());
          tree.append(leaf);
          expect(tree.root()).toEqual(merkleRoot(leaves.slice(0, index + 1)));
        });
        expect(tree.size).toBe(leaves.length);
      }),
    );
  });

  it("has the known root of nothing", () => {
    expect(new MerkleFrontier().root().toString("hex")).toBe(
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
  });
});

describe("signed checkpoints", () => {
  const signer = createSigner("ciclo.audit", Buffer.alloc(32, 7));
  const body = { origin: "ciclo.audit", size: 12, root: Buffer.alloc(32, 1).toString("base64") };

  it("open with the key that signed them, and no other", () => {
    const note = signer.sign(checkpointText(body));
    expect(parseCheckpoint(openNote(note, signer.verifierKey) ?? "")).toEqual(body);
    const other = createSigner("ciclo.audit", Buffer.alloc(32, 8));
    expect(openNote(note, other.verifierKey)).toBeNull();
    expect(openNote(note.replace("12", "13"), signer.verifierKey)).toBeNull();
    expect(openNote("nothing", signer.verifierKey)).toBeNull();
  });
});

describe("the chain", () => {
  const event = fc.record({
    id: fc.uuid(),
    at: fc.constant("2026-01-01T00:00:00.000Z"),
    actor_id: fc.option(fc.string()),
    actor_name: fc.string(),
    actor_roles: fc.constant("[]"),
    action: fc.string(),
    resource: fc.string(),
    status: fc.constantFrom("succeeded", "refused"),
    plan_id: fc.option(fc.string()),
    metadata: fc.constant("{}"),
  });
  const chained = fc.array(event, { minLength: 2, maxLength: 12 }).map((events) => {
    const chain: StoredEvent[] = [];
    for (const each of events) {
      const linked = { ...each, seq: chain.length + 1, prev_hash: chain.at(-1)?.hash ?? genesis };
      chain.push({ ...linked, hash: eventHash(linked) });
    }
    return chain;
  });
  const firstBroken = (chain: readonly StoredEvent[]): number | null => {
    let previous = { seq: 0, hash: genesis };
    for (const each of chain) {
      const broken = brokenLink(previous, each);
      if (broken !== null) return broken.seq;
      previous = each;
    }
    return null;
  };

  it("is whole as written, and names the first event that was altered, dropped or swapped", () => {
    fc.assert(
      fc.property(chained, fc.nat(), fc.constantFrom("alter", "drop", "swap"), (chain, where, how) => {
        expect(firstBroken(chain)).toBeNull();
        const index = where % (chain.length - 1);
        const [one, two] = [chain[index], chain[index + 1]];
        if (one === undefined || two === undefined) throw new Error("no such event");
        const changed = {
          alter: chain.with(index, { ...one, action: `${one.action}!` }),
          drop: chain.toSpliced(index, 1),
          swap: chain.with(index, two).with(index + 1, one),
        }[how];
        expect(firstBroken(changed)).toBe(one.seq);
      }),
    );
  });
});

describe("the log of a console", () => {
  it("refuses with 503 and changes nothing when it cannot be written", async () => {
    const running = await startConsole();
    const admin = await running.person("admin", "planner");
    const users = (await admin.client.call("listUsers")).items.length;
    await running.database.queries.schema.alterTable("audit_events").renameTo("audit_events_away").execute();
    const write = admin.client.call("createUser", { body: { name: "N", email: "n@example.com" } });
    expect(await problemOf(write)).toMatchObject({ status: 503, code: "audit_unavailable" });
    const plan = admin.client.call("plan", { body: { intent: "add_agent", payload: { agent_name: "x" } } });
    expect(await problemOf(plan)).toMatchObject({ status: 503, code: "audit_unavailable" });
    const refusedWithoutToken = await running.request("/api/v1/users");
    expect(refusedWithoutToken.status).toBe(503);
    await running.database.queries.schema.alterTable("audit_events_away").renameTo("audit_events").execute();
    expect((await admin.client.call("listUsers")).items).toHaveLength(users);
    expect(await running.audit.verify()).toMatchObject({ ok: true });
  });

  it("is copied as JSON lines for a SIEM, each event once, also behind a line that a crash cut", async () => {
    const running = await startConsole();
    const admin = await running.person("admin");
    await admin.client.call("createUser", { body: { name: "N", email: "n@example.com" } });
    await running.features.audit.workers.start();
    const folder = join(running.home, "audit");
    const file = (await readdir(folder)).find((name) => name.startsWith("20")) ?? "";
    const path = join(folder, file);
    const read = async () =>
      (await readFile(path, "utf8"))
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { seq: number }).seq);
    expect(await read()).toEqual([1, 2]);
    const text = await readFile(path, "utf8");
    expect(text).not.toContain(admin.token);

    await writeFile(path, text.slice(0, -40));
    const again = await startConsole({ config: { home: running.home }, database: running.database });
    await again.features.audit.workers.start();
    expect(await read()).toEqual([1, 2]);

    await again.features.audit.workers.stop();
    await rm(path);
    await admin.client.call("createUser", { body: { name: "O", email: "o@example.com" } });
    const third = await startConsole({ config: { home: running.home }, database: running.database });
    await third.features.audit.workers.start();
    expect(await read()).toEqual([3]);
    expect(await third.audit.verify()).toMatchObject({ ok: true });
  });

  it("is read again, copied and exported as it was hashed, whatever an entry tells of", async () => {
    const running = await startConsole();
    const told = fc.sample(
      fc.dictionary(fc.oneof(fc.string(), fc.constant("__proto__")), fc.jsonValue({ depthSize: "small" })),
      30,
    );
    const nested = JSON.parse(
      '{"__proto__":"new","tools":{"__proto__":"new","constructor":"new"}}',
    ) as object;
    // What other readers take for ends of lines.
    const lines = { said: "a\u2028b\u2029c\u0085d\re\vf\fg\nh" };
    await running.audit.transaction(async (_, record) => {
      for (const metadata of [nested as Record<string, unknown>, lines, ...told])
        await record({ actor: system, action: "test.told", resource: "test", status: "succeeded", metadata });
    });
    await running.features.audit.workers.start();
    await running.features.audit.workers.stop();
    expect(await running.audit.verify()).toMatchObject({ ok: true, events: told.length + 2 });
  });

  it("is copied once where clocks differ, each event in the file of its day", async () => {
    const clock = settableClock();
    const running = await startConsole({ clock });
    const admin = await running.person("admin");
    const at = async (time: string, email: string): Promise<void> => {
      clock.set(time);
      await admin.client.call("createUser", { body: { name: "N", email } });
    };
    await at("2026-11-28T00:00:01.000Z", "a@example.com");
    // A node whose clock is behind.
    await at("2026-11-27T23:59:59.000Z", "b@example.com");
    await at("2026-11-28T00:00:02.000Z", "c@example.com");
    await at("2026-11-27T23:59:59.500Z", "d@example.com");
    await running.features.audit.workers.start();
    const folder = join(running.home, "audit");
    const seqs = async () => {
      const files = (await readdir(folder)).filter((name) => name.startsWith("20"));
      const lines = await Promise.all(
        files.map(async (name) => (await readFile(join(folder, name), "utf8")).trimEnd().split("\n")),
      );
      return lines.flat().map((line) => (JSON.parse(line) as { seq: number }).seq);
    };
    expect((await seqs()).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
    const again = await startConsole({ config: { home: running.home }, database: running.database });
    await again.features.audit.workers.start();
    expect((await seqs()).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
    expect(await again.audit.verify()).toMatchObject({ ok: true });
  });

  describe("whose end is tampered with", () => {
    /** A log of some entries, and what somebody with the database can do to it. */
    const start = async (workers = false) => {
      const running = await startConsole();
      const admin = await running.person("admin");
      for (let count = 0; count < 4; count += 1) {
        await admin.client.call("createUser", { body: { name: "N", email: `n${count}@example.com` } });
      }
      if (workers) {
        await running.features.audit.workers.start();
        await running.features.audit.workers.stop();
      }
      const { queries } = running.database;
      const rows = () => queries.selectFrom("audit_events").selectAll().orderBy("seq").execute();
      const cutAfter = async (seq: number, mac?: string | null): Promise<void> => {
        const kept = (await rows()).find((row) => row.seq === seq);
        await queries.deleteFrom("audit_events").where("seq", ">", seq).execute();
        await queries
          .updateTable("audit_head")
          .set({ seq, hash: kept?.hash ?? "", ...(mac === undefined ? {} : { mac }) })
          .execute();
      };
      /** Changes an entry and recomputes the bare chain behind it. */
      const rewriteFrom = async (seq: number): Promise<void> => {
        let previous = (await rows()).find((row) => row.seq === seq - 1)?.hash ?? genesis;
        for (const row of (await rows()).filter((each) => each.seq >= seq)) {
          const changed = {
            ...row,
            actor_name: row.seq === seq ? "nobody" : row.actor_name,
            prev_hash: previous,
          };
          previous = eventHash(changed);
          await queries
            .updateTable("audit_events")
            .set({ actor_name: changed.actor_name, prev_hash: changed.prev_hash, hash: previous })
            .where("seq", "=", row.seq)
            .execute();
        }
        await queries.updateTable("audit_head").set({ hash: previous }).execute();
      };
      return { running, admin, queries, cutAfter, rewriteFrom };
    };

    it.each([undefined, null, "00".repeat(32)])(
      "does not verify when it is cut off (MAC %s)",
      async (mac) => {
        const { running, cutAfter } = await start();
        expect(await running.audit.verify()).toMatchObject({ ok: true, events: 5 });
        await cutAfter(3, mac);
        expect(await running.audit.verify()).toMatchObject({
          ok: false,
          first_broken: {
            seq: 3,
            reason: expect.stringMatching(/not written by a console|nothing vouches for its end/) as string,
          },
        });
      },
    );

    it("does not verify when it is written again", async () => {
      const { running, rewriteFrom } = await start();
      await rewriteFrom(4);
      expect(await running.audit.verify()).toMatchObject({ ok: false, first_broken: { seq: 5 } });
    });

    it("is named by its first entry where the copy outside the database still has it", async () => {
      const written = await start(true);
      await written.queries.deleteFrom("audit_checkpoints").execute();
      await rm(join(written.running.home, "audit", "checkpoints.jsonl"));
      await written.rewriteFrom(2);
      expect(await written.running.audit.verify()).toMatchObject({
        ok: false,
        first_broken: { seq: 2, reason: "differs from its copy outside the database" },
      });
      const cut = await start(true);
      await cut.queries.deleteFrom("audit_checkpoints").execute();
      await rm(join(cut.running.home, "audit", "checkpoints.jsonl"));
      await cut.cutAfter(3);
      expect((await cut.running.audit.verify()).first_broken).toMatchObject({ seq: 3 });
    });

    it("keeps what was done to it, when the console writes on", async () => {
      const { running, admin, cutAfter } = await start();
      await cutAfter(3, "00".repeat(32));
      await admin.client.call("createUser", { body: { name: "N", email: "later@example.com" } });
      const { items } = await admin.client.call("listAudit", { query: { action: "audit.head_altered" } });
      expect(items).toMatchObject([{ seq: 4, metadata: { found: { seq: 3 } } }]);
      expect(await running.audit.verify()).toMatchObject({ ok: false, first_broken: { seq: 4 } });
      expect((await running.audit.tampering())?.en).toMatch(/^What stands before entry 4 was altered/);
      await admin.client.call("createUser", { body: { name: "N", email: "after@example.com" } });
      expect(await running.audit.verify()).toMatchObject({ ok: false, first_broken: { seq: 4 } });
    });
  });

  describe("an older version wrote", () => {
    const start = async () => {
      const running = await startConsole();
      const admin = await running.person("admin");
      await running.database.queries.updateTable("audit_head").set({ mac: null }).execute();
      return { running, admin, root: { id: null, name: "root", email: null, roles: [] } };
    };

    it("is vouched for by nothing, also when the console writes on, until a person does, who is on record", async () => {
      const { running, admin, root } = await start();
      const unsealed = {
        ok: false,
        first_broken: { reason: expect.stringContaining("ciclo audit seal") as string },
      };
      expect(await running.audit.verify()).toMatchObject(unsealed);
      await admin.client.call("createUser", { body: { name: "N", email: "n@example.com" } });
      expect(await running.audit.verify()).toMatchObject(unsealed);
      await running.audit.sealHead(root);
      expect(await running.audit.verify()).toMatchObject({ ok: true, events: 3 });
      const { items } = await admin.client.call("listAudit", { query: { action: "audit.sealed" } });
      expect(items).toMatchObject([{ actor_name: "root" }]);
      await expect(running.audit.sealHead(root)).rejects.toThrow("nothing to seal");
    });

    it("is not sealed where it is not whole", async () => {
      const { running, root } = await start();
      await running.database.queries.updateTable("audit_events").set({ actor_name: "x" }).execute();
      await expect(running.audit.sealHead(root)).rejects.toThrow("not whole: broken at event 1");
    });
  });

  it("is not empty where there is what its entries told of", async () => {
    const running = await startConsole();
    await running.person("admin");
    const admin = await running.person("admin");
    const { queries } = running.database;
    await queries.deleteFrom("audit_events").execute();
    await queries.updateTable("audit_head").set({ seq: 0, hash: "", mac: null }).execute();
    expect(await running.audit.verify()).toMatchObject({ ok: false, first_broken: { seq: 1 } });
    await admin.client.call("createUser", { body: { name: "N", email: "n@example.com" } });
    expect(await running.audit.verify()).toMatchObject({ ok: false, first_broken: { seq: 1 } });
  });

  it.each([-7, 0, 1_000_000])(
    "shows, signs and copies no row beside it, and says that there is one: %d",
    async (seq) => {
      const running = await startConsole();
      const admin = await running.person("admin");
      const { queries } = running.database;
      const [row] = await queries.selectFrom("audit_events").selectAll().execute();
      if (row === undefined) throw new Error("no entry");
      await queries
        .insertInto("audit_events")
        .values({ ...row, seq, id: "beside", actor_name: "The Boss" })
        .execute();
      const { items } = await admin.client.call("listAudit");
      expect(items.map(({ actor_name }) => actor_name)).not.toContain("The Boss");
      expect(await admin.client.call("getCheckpoint")).toMatchObject({ size: 1 });
      expect((await running.audit.verify()).first_broken?.reason).toContain("rows that are no entries");
    },
  );

  describe("has a copy", () => {
    const start = async () => {
      const running = await startConsole();
      const admin = await running.person("admin");
      for (let count = 0; count < 4; count += 1) {
        await admin.client.call("createUser", { body: { name: "N", email: `n${count}@example.com` } });
      }
      await running.features.audit.workers.start();
      await running.features.audit.workers.stop();
      const folder = join(running.home, "audit");
      const name = (await readdir(folder)).find((each) => /^\d{4}-/.test(each)) ?? "";
      const file = join(folder, name);
      return { running, folder, file, lines: (await readFile(file, "utf8")).trimEnd().split("\n") };
    };

    it("of which no line can be changed", async () => {
      const { running, file, lines } = await start();
      await writeFile(
        file,
        `${lines.with(1, lines[1]?.replace("user.created", "user.removed") ?? "").join("\n")}\n`,
      );
      expect(await running.audit.verify()).toMatchObject({
        ok: false,
        first_broken: { seq: 2, reason: "is not what was copied outside the database" },
      });
    });

    it("of which no line can be taken out, but whole files can", async () => {
      const { running, file, lines } = await start();
      await writeFile(file, `${lines.toSpliced(2, 1).join("\n")}\n`);
      expect(await running.audit.verify()).toMatchObject({
        ok: false,
        first_broken: { seq: 3, reason: "is gone from the copy outside the database" },
      });
      await rm(file);
      expect(await running.audit.verify()).toMatchObject({ ok: true });
    });

    it("whose folder may hold what is none of ours, and need not be there", async () => {
      const { running, folder } = await start();
      await mkdir(join(folder, "2025-01-01.jsonl"));
      expect(await running.audit.verify()).toMatchObject({ ok: true });
      await rm(join(folder, "checkpoints.jsonl"), { force: true });
      await mkdir(join(folder, "checkpoints.jsonl"));
      expect((await running.audit.verify()).first_broken?.reason).toContain("line 1 of checkpoints.jsonl");
      await rm(folder, { recursive: true });
      expect(await running.audit.verify()).toMatchObject({ ok: true });
    });

    it("that is longer than the log stops, and says so", async () => {
      const { running } = await start();
      const { queries } = running.database;
      const third = await queries
        .selectFrom("audit_events")
        .selectAll()
        .where("seq", "=", 3)
        .executeTakeFirstOrThrow();
      await queries.deleteFrom("audit_events").where("seq", ">", 3).execute();
      await queries.updateTable("audit_head").set({ seq: 3, hash: third.hash }).execute();
      const again = await startConsole({ database: running.database, config: { home: running.home } });
      await again.features.audit.workers.start();
      expect(again.features.audit.workers.troubles()).toMatchObject([
        { name: { en: "the copy of the audit log" }, error: { code: "audit_unavailable" } },
      ]);
    });
  });

  it("has a line of its checkpoints that cannot be read as a verdict; one that a crash cut off is written over", async () => {
    const running = await startConsole();
    const admin = await running.person("admin");
    await admin.client.call("getCheckpoint");
    const file = join(running.home, "audit", "checkpoints.jsonl");
    const whole = await readFile(file, "utf8");
    await writeFile(file, `${whole}${whole.slice(0, 40)}`);
    expect(await running.audit.verify()).toMatchObject({ ok: true });
    await admin.client.call("createUser", { body: { name: "N", email: "n@example.com" } });
    await admin.client.call("getCheckpoint");
    expect((await readFile(file, "utf8")).trimEnd().split("\n")).toHaveLength(2);
    expect(await running.audit.verify()).toMatchObject({ ok: true });
    await writeFile(file, `${whole}${whole.slice(0, 40)}\n${whole}`);
    expect(await running.audit.verify()).toEqual({
      ok: false,
      events: 0,
      first_broken: { seq: 0, reason: "line 2 of checkpoints.jsonl is not a checkpoint" },
    });
  });

  it("is held against the checkpoints that were published outside the database", async () => {
    const running = await startConsole();
    const admin = await running.person("admin");
    await admin.client.call("getCheckpoint");
    const { queries } = running.database;
    await queries.deleteFrom("audit_events").execute();
    await queries.deleteFrom("audit_checkpoints").execute();
    expect(await running.audit.verify()).toMatchObject({ ok: false, first_broken: { seq: 1 } });
    const folder = join(running.home, "audit");
    await mkdir(folder, { recursive: true });
    await writeFile(
      join(folder, "checkpoints.jsonl"),
      `${JSON.stringify({ signed_at: "2026-01-01T00:00:00Z", note: "forged" })}\n`,
    );
    expect((await running.audit.verify()).first_broken?.reason).toContain("not signed");
  });

  it("answers filters, newest first, in pages", async () => {
    const running = await startConsole();
    const admin = await running.person("admin");
    for (let index = 0; index < 5; index += 1) {
      await admin.client.call("createUser", { body: { name: `N${index}`, email: `n${index}@example.com` } });
    }
    const page = await admin.client.call("listAudit", {
      query: { action: "user.created", actor: admin.name, limit: 2 },
    });
    expect(page.items).toHaveLength(2);
    expect(page.items[0]?.seq).toBeGreaterThan(page.items[1]?.seq ?? Infinity);
    const next = await admin.client.call("listAudit", {
      query: { action: "user.created", actor: admin.name, limit: 10, cursor: page.next_cursor ?? "" },
    });
    expect(next.items).toHaveLength(3);
    expect(next.next_cursor).toBeNull();
    const none = await admin.client.call("listAudit", { query: { from: "2100-01-01T00:00:00Z" } });
    expect(none.items).toEqual([]);
  });
});
