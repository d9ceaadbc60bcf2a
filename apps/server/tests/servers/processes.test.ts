import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { openConfigRepository } from "../../src/features/config-repo/repository.ts";
import { newToolsAllowed, openPolicies, pushFiles, registryOf } from "../support/config.ts";
import { type Person, startConsole, type TestConsole } from "../support/console.ts";
import { fixture, shakeHands } from "../support/mcp/handshake.ts";
import { eventually } from "../support/eventually.ts";
import { provision } from "../support/provision.ts";
import { startProcess } from "../support/process.ts";
import { processesWith } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporary.ts";

/** A console in this process that runs the stdio fixture. */
async function runFixture(behaviours: string[] = [], limits?: { memory_mb: number }) {
  const running = await startConsole();
  const mark = `mark-${randomUUID()}`;
  pushFiles(running.git, {
    ...openPolicies(),
    ...newToolsAllowed,
    "mcp-registry.yaml": registryOf([
      { ...fixture(...behaviours, mark), ...(limits === undefined ? {} : { limits }) },
    ]),
  });
  await running.features.servers.workers.start();
  const person = await running.person("planner");
  return { running, mark, person };
}

const serverOf = ({ client }: Person) => client.call("getServer", { params: { id: "fixture" } });
const healthy = (person: Person) =>
  eventually(
    () => serverOf(person),
    ({ state }) => state === "healthy",
  );

const callTool = async (running: TestConsole, name: string, args: object = {}) => {
  const connection = await running.servers.find("fixture")?.link.connected();
  return connection?.client.callTool({ name, arguments: { ...args } });
};

describe("a stdio server's process", () => {
  it.each([
    ["one that ends by itself", []],
    ["one that starts others", ["grandchild"]],
    ["one whose child leaves its group", ["escapee"]],
    ["one that will not end", ["lingers", "grandchild"]],
  ])("is gone when the console stops: %s", async (_, behaviours) => {
    const { running, mark, person } = await runFixture(behaviours);
    await healthy(person);
    const pids = processesWith(mark);
    // The sandbox is two of them: what starts it, and the first process in it.
    expect(pids.length).toBe(3 + behaviours.filter((each) => each !== "lingers").length);
    await running.features.servers.workers.stop();
    expect(processesWith(mark)).toEqual([]);
  });

  it("leaves no child behind when it crashes, and is started again, later each time", async () => {
    const { running, mark, person } = await runFixture(["grandchild"]);
    await healthy(person);
    const [first] = processesWith(mark);
    await expect(callTool(running, "crash")).rejects.toThrow(/closed|ended/i);
    const ended = await eventually(
      () => serverOf(person),
      ({ restarts }) => restarts === 1,
    );
    expect(ended.log.map(({ line }) => line)).toContain("its process ended (code 1)");
    const again = await eventually(
      () => serverOf(person),
      ({ state, retry_at }) => retry_at === null && state !== "down",
    );
    expect(again.detail === null || again.state === "degraded").toBe(true);
    expect(processesWith(mark)).not.toContain(first);
    await expect(callTool(running, "crash")).rejects.toThrow(/closed|ended/i);
    const retry = await eventually(
      () => serverOf(person),
      ({ restarts, retry_at }) => restarts === 2 && retry_at !== null,
    );
    const waits = Date.parse(retry.retry_at ?? "") - Date.parse(retry.latency.at(-1)?.at ?? "");
    expect(waits).toBeGreaterThanOrEqual(1500);
    await running.features.servers.workers.stop();
    expect(processesWith(mark)).toEqual([]);
  });

  it("is ended when it takes more memory than it may, and its state says so", async () => {
    const { running, person } = await runFixture([], { memory_mb: 256 });
    await healthy(person);
    await expect(callTool(running, "hog")).rejects.toThrow(/closed|ended/i);
    const ended = await eventually(
      () => serverOf(person),
      ({ restarts }) => restarts === 1,
    );
    expect(ended.log.map(({ line }) => line).join("\n")).toMatch(/it took \d+ MB; limits\.memory_mb is 256/);
    await running.features.servers.workers.stop();
  });

  it("leaves nothing behind when a handshake fails", async () => {
    const mark = `mark-${randomUUID()}`;
    const { error } = await shakeHands({ ...fixture("refuses", "grandchild", "escapee", mark) });
    expect(error?.step).toBe("negotiate");
    expect(processesWith(mark)).toEqual([]);
  });

  it.each(["SIGKILL", "SIGTERM"] as const)("is gone after %s of the console", async (signal) => {
    const home = await temporaryFolder();
    const mark = `mark-${randomUUID()}`;
    await openConfigRepository({ home, source: undefined, branch: "main" });
    pushFiles(join(home, "config.git"), {
      ...openPolicies(),
      "mcp-registry.yaml": registryOf([
        fixture("grandchild", "escapee", mark),
        { ...fixture("lingers", mark), id: "lingering" },
      ]),
    });
    await provision({ CICLO_HOME: home }, { root: ["admin"] });
    const server = await startProcess({ CICLO_HOME: home });
    await eventually(
      () => Promise.resolve(processesWith(mark)),
      (pids) => pids.length >= 4,
    );
    process.kill(server.pid, signal);
    const left = await eventually(
      () => Promise.resolve(processesWith(mark)),
      (pids) => pids.length === 0,
    );
    expect(left).toEqual([]);
  });
});
