import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { UsageGroup, UsageQuery } from "@ciclo/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { system } from "../src/domain/actor.ts";
import type { CallSubject, MeteredCall } from "../src/domain/usage.ts";
import { latencyBounds } from "../src/features/usage/rollups.ts";
import { settableClock } from "./support/clock.ts";
import { startConsole, type TestConsole } from "./support/console.ts";
import { stores } from "./support/databases.ts";
import { startGateway } from "./support/mcp/gateway.ts";
import { modelCall } from "./support/usage.ts";

const bin = fileURLToPath(new URL("../bin/ciclo.mjs", import.meta.url));

const call = (
  index: number,
  over: Partial<MeteredCall> = {},
  subject: Partial<CallSubject> = {},
): MeteredCall => modelCall(`c${index}`, { at: "2026-11-10T10:00:00.000Z", ...over }, subject);

const clock = settableClock("2026-11-28T12:00:00.000Z");
const ask = async (running: TestConsole, query: Partial<UsageQuery>) =>
  (await running.person("viewer")).client.call("getUsage", {
    query: { group_by: "model", tz: "UTC", ...query },
  });

describe.each(stores)("a report of usage on %s", (_, openStore) => {
  it("tells people of one name apart by their e-mail, and nobody else", async () => {
    const running = await startConsole({ clock, database: await openStore() });
    const add = (name: string, email: string) =>
      running.features.access.service.users.add(system, { name, email, roles: ["viewer"] });
    const people = [
      await add("Ana", "ana@a.example"),
      await add("Ana", "ana@b.example"),
      await add("Bob", "bob@a.example"),
    ];
    await running.ledger.take(
      people.flatMap(({ id, name }, index) =>
        Array.from({ length: index + 1 }, (__, nth) =>
          call(10 * index + nth, {}, { actorId: id, actorName: name }),
        ),
      ),
    );
    const query = {
      group_by: "person" as const,
      from: "2026-11-01",
      to: "2026-11-30",
      bucket: "day" as const,
    };
    const report = await ask(running, query);
    expect(report.groups.map(({ key, calls }) => [key, calls])).toEqual([
      ["Bob", 3],
      ["Ana <ana@b.example>", 2],
      ["Ana <ana@a.example>", 1],
    ]);
    const [name = ""] = report.groups.slice(1).map(({ key }) => key ?? "");
    expect((await ask(running, { ...query, person: name })).total.calls).toBe(2);
    expect((await ask(running, { ...query, person: "ANA@b.example" })).total.calls).toBe(2);
    expect((await ask(running, { ...query, person: "nobody@b.example" })).total.calls).toBe(0);
    expect((await ask(running, { ...query, person: "Bob", from: "2026-11-10T09:30:00Z" })).total.calls).toBe(
      3,
    );
  });

  it("sums, compares with the window before, and says what is missing", async () => {
    const running = await startConsole({ clock, database: await openStore() });
    const { ledger } = running;
    await ledger.take([
      call(1),
      call(2, { at: "2026-11-12T10:30:00.000Z", ms: 900, status: "error" }),
      call(3, {
        at: "2026-11-12T11:30:00.000Z",
        status: "refused",
        usage: null,
        cost: { nanoUsd: null, source: "none", version: null },
      }),
      call(4, { at: "2026-11-13T10:00:00.000Z" }, { model: "nobody-knows", actorName: "bob" }),
      call(
        5,
        { at: "2026-11-13T10:00:00.000Z", usage: null },
        { actorName: "bob", agent: "codex", source: "log" },
      ),
      call(6, { at: "2026-10-20T10:00:00.000Z" }),
    ]);
    const one = 1000 * 4000 + 10 * 200 + 100 * 20_000;
    const report = await ask(running, { from: "2026-11-01", to: "2026-11-30", bucket: "day" });
    expect(report.total).toMatchObject({
      calls: 5,
      errors: 1,
      refused: 1,
      cost_usd: (2 * one) / 1e9,
      input_tokens: 3000,
      cache_read_tokens: 30,
      output_tokens: 300,
      unpriced_calls: 1,
      unknown_calls: 1,
      estimated_calls: 0,
    });
    expect(report.total.p95_ms).toBeGreaterThan(report.total.p50_ms ?? Infinity);
    expect(report.before).toMatchObject({ calls: 1, cost_usd: one / 1e9 });
    expect(report.groups.map(({ key, calls, cost_usd_before }) => [key, calls, cost_usd_before])).toEqual([
      ["claude-opus-5-5", 4, one / 1e9],
      ["nobody-knows", 1, 0],
    ]);
    expect(report.movers).toEqual([
      { key: "claude-opus-5-5", cost_usd: (2 * one) / 1e9, cost_usd_before: one / 1e9 },
    ]);
    // What is gone has changed too.
    const later = await ask(running, { from: "2026-11-20", to: "2026-11-29", group_by: "agent" });
    expect(later.groups).toEqual([]);
    expect(later.movers).toMatchObject([{ cost_usd: 0, cost_usd_before: (2 * one) / 1e9 }]);
    expect(report.series).toHaveLength(30);
    expect(
      report.series.filter(({ calls }) => calls > 0).map(({ start, calls }) => [start.slice(0, 10), calls]),
    ).toEqual([
      ["2026-11-10", 1],
      ["2026-11-12", 2],
      ["2026-11-13", 2],
    ]);
    expect(report.known_gaps.map(({ agent }) => agent)).toEqual(["codex"]);
    const bob = await ask(running, { from: "2026-11-01", group_by: "agent", person: "bob" });
    expect(bob.groups.map(({ key, calls }) => [key, calls])).toEqual([
      ["claude-code", 1],
      ["codex", 1],
    ]);
    expect(bob.known_gaps.map(({ agent }) => agent)).toEqual(["codex"]);
    expect(report.known_gaps[0]?.text).toMatch(/^A sub-agent .* in no log, .*cut\.$/);
    // What an export leaves out is something else.
    await ledger.take([
      call(7, { at: "2026-11-13T10:00:00.000Z" }, { actorName: "eva", agent: "opencode", source: "otlp" }),
      call(8, { at: "2026-11-13T10:00:00.000Z" }, { actorName: "eva", agent: "codex", source: "log" }),
      call(9, { at: "2026-11-13T11:00:00.000Z" }, { actorName: "eva", agent: "codex", source: "otlp" }),
    ]);
    const eva = await ask(running, { from: "2026-11-01", person: "eva" });
    expect(eva.known_gaps).toMatchObject([
      { agent: "codex", text: expect.stringMatching(/in no log.* in no export\.$/) as string },
      { agent: "opencode", text: "It ends before it has exported the last call of a session." },
    ]);
    const ana = await ask(running, { from: "2026-11-01", person: "ana" });
    expect(ana.known_gaps).toEqual([]);
    const none = await ask(running, { from: "2026-11-01", group_by: "run", run: "" });
    expect(none.groups.map(({ key, calls }) => [key, calls])).toEqual([[null, 8]]);
  });

  it("is the sum of the calls themselves, in every zone, stretch and grouping", async () => {
    const running = await startConsole({ clock, database: await openStore() });
    const start = Date.parse("2026-03-20T00:00:00.000Z");
    const some = fc.record({
      minutes: fc.nat(20 * 24 * 60),
      model: fc.constantFrom("claude-opus-5-5", "claude-sonnet-4-5", "nobody-knows"),
      person: fc.constantFrom("ana", "bob"),
      ms: fc.nat(200_000),
      status: fc.constantFrom("ok" as const, "ok" as const, "error" as const, "refused" as const),
    });
    const calls = fc
      .sample(some, { numRuns: 400, seed: 9 })
      .map(({ minutes, model, person, ms, status }, index) =>
        call(
          index,
          { at: new Date(start + minutes * 60_000).toISOString(), ms, status },
          { model, actorName: person },
        ),
      );
    await running.ledger.take(calls);
    const viewer = await running.person("viewer");
    const question = fc.record({
      tz: fc.constantFrom("UTC", "America/Sao_Paulo", "Europe/Berlin", "Asia/Kolkata", "Pacific/Chatham"),
      from: fc.nat(15).map((day) => new Date(start + day * 24 * 3_600_000).toISOString().slice(0, 10)),
      days: fc.integer({ min: 0, max: 6 }),
      group_by: fc.constantFrom<UsageGroup>("model", "person"),
      bucket: fc.constantFrom("hour" as const, "day" as const, "week" as const),
    });
    for (const { tz, from, days, group_by, bucket } of fc.sample(question, { numRuns: 25, seed: 4 })) {
      const to = new Date(Date.parse(from) + days * 24 * 3_600_000).toISOString().slice(0, 10);
      const report = await viewer.client.call("getUsage", { query: { tz, from, to, group_by, bucket } });
      const within = calls.filter(({ at }) => at >= report.from && at < report.to);
      const day = (at: string): string =>
        Temporal.Instant.from(at).toZonedDateTimeISO(tz).toPlainDate().toString();
      expect(within.map(({ key }) => key)).toEqual(
        calls.filter(({ at }) => day(at) >= from && day(at) <= to).map(({ key }) => key),
      );
      expect(report.total.calls).toBe(within.length);
      expect(report.total.refused).toBe(within.filter(({ status }) => status === "refused").length);
      expect(report.total.output_tokens).toBe(100 * within.length);
      for (const group of report.groups) {
        const own = within.filter(
          ({ subject }) => (group_by === "model" ? subject.model : subject.actorName) === group.key,
        );
        expect(group.calls).toBe(own.length);
      }
      expect(report.series.reduce((sum, point) => sum + point.calls, 0)).toBe(within.length);
      expect(report.series.reduce((sum, point) => sum + point.cost_usd, 0)).toBeCloseTo(
        report.total.cost_usd,
        9,
      );
      const timed = within.filter(({ status }) => status !== "refused").map(({ ms }) => ms ?? 0);
      const sorted = timed.toSorted((a, b) => a - b);
      if (sorted.length === 0) continue;
      const exact = sorted[Math.ceil(0.5 * sorted.length) - 1] ?? 0;
      const bound = latencyBounds.find((each) => exact <= each) ?? Infinity;
      const below = latencyBounds.findLast((each) => each < exact) ?? 0;
      expect(report.total.p50_ms).toBeGreaterThanOrEqual(below);
      expect(report.total.p50_ms).toBeLessThanOrEqual(bound);
    }
  });
});

describe.each(stores)("what is left of calls that are deleted on %s", (_, openStore) => {
  it("are their sums, in zones that are half an hour off too; no call counts in two days", async () => {
    const running = await startConsole({ clock, database: await openStore() });
    const start = Date.parse("2026-03-20T00:00:00.000Z");
    const minutes = fc.sample(fc.nat(4 * 24 * 60 - 1), { numRuns: 200, seed: 3 });
    await running.ledger.take(
      minutes.map((minute, index) => call(index, { at: new Date(start + minute * 60_000).toISOString() })),
    );
    let left = 1;
    const before = new Date(start + 3 * 86_400_000).toISOString();
    while (left > 0) left = await running.features.usage.service.purge(before, 100);
    for (const tz of ["Asia/Kolkata", "America/Sao_Paulo"]) {
      const days = ["2026-03-19", "2026-03-20", "2026-03-21", "2026-03-22", "2026-03-23", "2026-03-24"];
      let sum = 0;
      for (const day of days) sum += (await ask(running, { tz, from: day, to: day })).total.calls;
      const whole = await ask(running, { tz, from: days[0], to: days.at(-1), bucket: "day" });
      expect(sum).toBe(200);
      expect(whole.total.calls).toBe(200);
      expect(whole.series.reduce((all, { calls }) => all + calls, 0)).toBe(200);
    }
  });

  it("is what is charged: charges of a time come to the sum of its report", async () => {
    const running = await startConsole({ clock, database: await openStore() });
    await running.ledger.take([
      call(1),
      call(2, { at: "2026-11-10T23:40:00.000Z" }, { actorName: "bob", pullRequest: "#7" }),
      call(3, { at: "2026-11-12T00:10:00.000Z" }, { model: "nobody-knows" }),
    ]);
    const query = { group_by: "model" as const, tz: "Asia/Kolkata", from: "2026-11-10", to: "2026-11-12" };
    const charges = await running.features.costs.service.charges(query);
    const report = await ask(running, query);
    expect(charges.reduce((sum, { calls }) => sum + calls, 0)).toBe(report.total.calls);
    expect(charges.reduce((sum, charge) => sum + charge.cost_nano_usd, 0)).toBe(
      Math.round(report.total.cost_usd * 1e9),
    );
    expect(charges.map(({ person, pull_request }) => [person, pull_request])).toContainEqual(["bob", "#7"]);
  });
});

describe("what is asked for wrongly", () => {
  it.each([
    [{ tz: "Mars/Olympus" }, "tz"],
    [{ from: "yesterday" }, "from"],
    [{ group_by: "colour" }, "group_by"],
  ])("is said by field: %j", async (query, path) => {
    const running = await startConsole();
    const viewer = await running.person("viewer");
    const response = await running.request(
      `/api/v1/usage?${new URLSearchParams(Object.entries(query)).toString()}`,
      {
        headers: { authorization: `Bearer ${viewer.token}` },
      },
    );
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ path }] });
  });

  it("is refused where it would never end", async () => {
    const running = await startConsole({ clock });
    await expect(ask(running, { from: "2010-01-01" })).rejects.toThrow(/five years/);
    await expect(ask(running, { from: "2026-01-01", bucket: "hour" })).rejects.toThrow(
      /fewer than 1000 points/,
    );
    expect((await ask(running, { from: "2026-11-30", to: "2026-11-01" })).total.calls).toBe(0);
  });
});

describe("ciclo usage", () => {
  it("shows the report, where no name looks like a line or a word of the table", async () => {
    const gateway = await startGateway([]);
    const { token } = await gateway.person("viewer");
    const at = new Date().toISOString();
    await gateway.ledger.take([
      call(1, { at }, { agent: "x\ntotal  9.99" }),
      call(2, { at }, { agent: "total" }),
      call(3, { at }, { agent: null }),
    ]);
    const { stdout } = await promisify(execFile)(process.execPath, [bin, "usage", "--group-by", "agent"], {
      env: { HOME: gateway.config.home, CICLO_URL: gateway.url, CICLO_TOKEN: token },
    });
    expect(stdout).toMatch(/ p50 +p95 +errors +refused\n/);
    expect(stdout).toMatch(/^changed most: .*\+/m);
    const names = stdout
      .split("\n")
      .slice(2, 6)
      .map((line) => line.split("  ")[0]);
    expect(names.toSorted((a = "", b = "") => (a < b ? -1 : 1))).toEqual([
      '"total"',
      String.raw`"x\ntotal`,
      "total",
      "—",
    ]);
  });
});
