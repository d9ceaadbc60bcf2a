import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { CheckReport, CycleDetail, Execution } from "@ciclo/contract";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { whenFileEnds } from "../support/closing.ts";
import {
  carriedThrough,
  cyclesConsole,
  headOf,
  mends,
  nothing,
  shop,
  shown,
  type Step,
  test,
} from "../support/cycles/console.ts";
import { plan } from "../support/cycles/artifacts.ts";
import { type Person, problemOf } from "../support/console.ts";
import { eventually } from "../support/eventually.ts";
import { calls } from "../support/model-endpoint.ts";

/** Nothing stands between an agent and the branch but the gates. */
const unwatched = { checkpoints: [], tries: 1 };
const reportOf = ({ artifacts }: CycleDetail): CheckReport | undefined =>
  artifacts.findLast((one) => one.kind === "check")?.content;
const executionOf = ({ artifacts }: CycleDetail): Execution | undefined =>
  artifacts.findLast((one) => one.kind === "execution")?.content;
const fix: Step = { do: "write", path: "src/sum.js", contents: "exports.sum = (a, b) => a + b;\n" };
const write = (path: string, contents: string): Step => ({ do: "write", path, contents });
const done: Step = { do: "say", text: "Done. All tests pass, the build is green." };

async function outcomeOf(steps: readonly Step[], policy: Record<string, unknown> = {}) {
  const console = await cyclesConsole({ turns: [steps], policy: { ...unwatched, ...policy } });
  const { id } = await console.start();
  const ended = await console.settled(id);
  return { console, ended };
}

describe("an agent that misbehaves", () => {
  it.each<[string, readonly Step[], RegExp]>([
    ["claims that it is done, and changed nothing", [done], /changed nothing, whatever it says/],
    ["mends the fault and shows nothing", [fix, done], /No new test that was red before shows: T1 \(R1\)/],
    [
      "writes a test that is green with and without its change",
      [
        fix,
        write("test/sum.test.js", test(`${nothing}test("adds [T1]", () => assert.equal(sum(4, 0), 4));\n`)),
      ],
      /No new test that was red before shows: T1/,
    ],
    [
      "writes a test that it does not pass",
      [write("test/sum.test.js", test(nothing + shown)), done],
      /The gate test fails/,
    ],
    [
      "deletes the test that it breaks",
      [fix, { do: "shell", command: "rm test/sum.test.js" }, write("test/new.test.js", test(shown))],
      /which a person has to agree to/,
    ],
    [
      "skips the test that was there",
      [fix, write("test/sum.test.js", test(nothing.replace("test(", "test.skip(") + shown))],
      /which a person has to agree to/,
    ],
    [
      "weakens an assertion",
      [
        fix,
        write(
          "test/sum.test.js",
          test(nothing.replace("assert.equal(sum(2, 0), 2)", "assert.ok(true)") + shown),
        ),
      ],
      /which a person has to agree to/,
    ],
    [
      "has the tests run otherwise",
      [...mends, write(".ciclo/cycle.yaml", 'version: 1\ntest: "true"\n')],
      /which a person has to agree to/,
    ],
    [
      "writes tests of which others run each time",
      [
        fix,
        write(
          "test/sum.test.js",
          test(
            `${nothing}${shown}for (let at = 0; at < 40; at += 1) test("by chance " + at, { skip: Math.random() < 0.5 }, () => {});\n`,
          ),
        ),
      ],
      /Two runs of one commit differ/,
    ],
  ])("gets nothing past the gates where it %s", async (_, steps, said) => {
    const { console, ended } = await outcomeOf(steps);
    expect(ended).toMatchObject({ state: "waiting", waits_for: "help" });
    expect(ended.reason).toMatch(said);
    expect(headOf(console.repository)).toBe(ended.base_commit);
  });

  it("is told what is wrong, and tries again, so often as policy says", async () => {
    const console = await cyclesConsole({
      turns: [[fix, done], [write("test/sum.test.js", test(nothing + shown))]],
      policy: { checkpoints: [], tries: 2 },
    });
    const { id } = await console.start();
    const ended = await console.settled(id);
    expect(ended).toMatchObject({ state: "completed", tries: 2 });
    const executions = ended.artifacts.filter(({ kind }) => kind === "execution");
    expect(executions).toHaveLength(2);
  });

  it("does not reach the console's home, its environment, the repository, or any host but the console's door", async () => {
    const outside = createServer((_, response) => response.end("reached"));
    await new Promise<void>((resolve) => outside.listen(0, "127.0.0.1", resolve));
    whenFileEnds(() => outside.close());
    const { port } = outside.address() as AddressInfo;
    const console = await cyclesConsole({ turns: [[]], policy: unwatched });
    const { home } = console.gateway.config;
    writeFileSync(join(home, "a-secret"), "the console's own\n");
    const fetching = (address: string): string =>
      `node -e 'fetch("${address}").then(async (r) => console.log(r.status, await r.text()), (e) => console.log("refused", e.cause?.code))'`;
    const steps: Step[] = [
      { do: "env" },
      { do: "shell", command: `cat ${home}/a-secret ${home}/master.key; ls ${home}` },
      {
        do: "shell",
        command: `echo x > ${console.repository.folder}/src/sum.js; ls ${console.repository.folder}`,
      },
      { do: "shell", command: fetching(`http://127.0.0.1:${port}/`) },
      { do: "shell", command: fetching(`${console.gateway.url}/healthz`) },
      { do: "shell", command: fetching("http://127.0.0.1:8787/healthz") },
      { do: "shell", command: fetching("http://127.0.0.1:8787/api/v1/cycles") },
      { do: "shell", command: "echo hook > .git/hooks/post-checkout && chmod +x .git/hooks/post-checkout" },
      {
        do: "shell",
        command: "git config core.fsmonitor 'touch /tmp/ran-on-the-host'; git config core.hooksPath .",
      },
      ...mends,
    ];
    await console.withAgent([steps]);
    const { id } = await console.start();
    const ended = await console.settled(id);
    expect(ended).toMatchObject({ state: "completed" });
    const claims = executionOf(ended)?.claims ?? "";
    expect(claims).not.toContain("the console's own");
    expect(claims).not.toContain("reached");
    expect(claims.match(/refused ECONNREFUSED/g)).toHaveLength(2);
    expect(claims.match(/404 only \/llm and \/mcp are here/g)).toHaveLength(2);
    expect(claims).not.toMatch(/ciclo_run_|CICLO_HOME|CICLO_MASTER/);
    expect(existsSync("/tmp/ran-on-the-host")).toBe(false);
    expect(readdirSync(join(console.repository.folder, ".git/hooks"))).not.toContain("post-checkout");
    expect(readFileSync(join(console.repository.folder, "src/sum.js"), "utf8")).toBe(
      "exports.sum = (a, b) => a + b;\n",
    );
  });

  it("leaves no process behind, whatever it started", async () => {
    const { console, ended } = await outcomeOf([
      { do: "leave", command: "sleep 876543" },
      { do: "leave", command: "setsid sleep 876544 & setsid nohup sleep 876545" },
      ...mends,
    ]);
    expect(ended.state).toBe("completed");
    for (const seconds of ["876543", "876544", "876545"])
      expect(console.isRunning(`sleep ${seconds}`)).toBe(false);
  });

  it.each<[string, readonly Step[], RegExp]>([
    [
      "ends in the midst of its work",
      [fix, { do: "exit", code: 3 }],
      /ended in the midst of its work \(exit 3\)/,
    ],
    ["hangs", [fix, { do: "hang" }], /ended in the midst of its work \(timeout\)/],
    ["asks for a model that it may not use", [{ do: "model", model: "o9-secret" }], /the model said 403/],
  ])("is a person's to look at where it %s", async (_, steps, said) => {
    const { console, ended } = await outcomeOf(steps, { limits: { agent_minutes: 0.1 } });
    expect(ended).toMatchObject({ state: "waiting", waits_for: "help", stage: "execute" });
    expect(ended.reason).toMatch(said);
    expect(headOf(console.repository)).toBe(ended.base_commit);
  });

  it.each<[string, readonly Step[]]>([
    ["speaks something that is no JSON", [{ do: "garbage" }, ...mends]],
    ["floods its output", [{ do: "flood", megabytes: 30 }, ...mends]],
  ])("is heard all the same where it %s", async (_, steps) => {
    const { ended } = await outcomeOf(steps);
    expect(["completed", "waiting"]).toContain(ended.state);
    if (ended.state === "completed") expect(reportOf(ended)?.problems).toEqual([]);
  });

  it("asks for permission, and gets the narrowest, or none, by policy", async () => {
    const asks: Step[] = [{ do: "permission", title: "rm -rf build" }, ...mends];
    const { ended } = await outcomeOf(asks);
    expect(executionOf(ended)).toMatchObject({ permissions: [{ title: "rm -rf build", answer: "allowed" }] });
    expect(executionOf(ended)?.claims).toContain("permission: b");
    const console = await cyclesConsole({ policy: unwatched });
    await console.withAgent([asks], { permissions: "deny" });
    const { id } = await console.start();
    expect(executionOf(await console.settled(id))).toMatchObject({
      permissions: [{ title: "rm -rf build", answer: "denied" }],
      claims: expect.stringContaining("permission: c"),
    });
  });

  it("asks a person where policy says so, and waits for the answer", async () => {
    const asks: Step[] = [
      { do: "permission", title: "rm -rf build" },
      { do: "permission", title: "npm publish" },
      ...mends,
    ];
    const console = await cyclesConsole({ policy: unwatched });
    const { person, approver, withAgent, start, get, settled } = console;
    await withAgent([asks], { permissions: "ask" });
    const { id } = await start();
    const asked = async (title: string) =>
      (
        await eventually(
          () => get(id),
          ({ permissions_asked: open }) => open[0]?.title === title,
          60_000,
        )
      ).permissions_asked[0]?.id ?? "";
    const answer = (who: Person, permission: string, said: "allow" | "deny") =>
      who.client.call("answerCyclePermission", { params: { id, permission }, body: { answer: said } });
    const first = await asked("rm -rf build");
    expect(await problemOf(answer(person, first, "allow"))).toMatchObject({ status: 403 });
    expect((await get(id)).state).toBe("running");
    const waiting = await approver.client.call("listCycles", { query: { waiting: "true" } });
    expect(waiting.items).toMatchObject([{ id, state: "running", permissions_open: 1 }]);
    await answer(approver, first, "allow");
    expect(await problemOf(answer(approver, first, "deny"))).toMatchObject({ code: "already_decided" });
    await answer(approver, await asked("npm publish"), "deny");
    const ended = await settled(id);
    expect(executionOf(ended)).toMatchObject({
      permissions: [
        { title: "rm -rf build", answer: "allowed", by: approver.name },
        { title: "npm publish", answer: "denied", by: approver.name },
      ],
    });
    expect(ended.permissions_asked).toEqual([]);
    expect((await approver.client.call("listCycles", { query: { waiting: "true" } })).items).toEqual([]);
    expect(ended.timeline.map(({ type, actor }) => [type, actor])).toContainEqual([
      "cycle.permission_answered",
      approver.name,
    ]);
  });

  it("is refused what nobody could read in full, and hides nothing in what it asks", async () => {
    const asks: Step[] = [
      { do: "permission", title: "x".repeat(301) },
      { do: "permission", title: "rm -rf\u202e /\nthe agent asks: harmless" },
      ...mends,
    ];
    const console = await cyclesConsole({ policy: unwatched });
    await console.withAgent([asks], { permissions: "ask" });
    const { id } = await console.start();
    const { permissions_asked: open } = await eventually(
      () => console.get(id),
      ({ permissions_asked: asked }) => asked.length === 1,
      60_000,
    );
    const title = "rm -rf‹U+202E› / the agent asks: harmless";
    expect(open[0]?.title).toBe(title);
    await console.approver.client.call("answerCyclePermission", {
      params: { id, permission: open[0]?.id ?? "" },
      body: { answer: "deny" },
    });
    expect(executionOf(await console.settled(id))?.permissions).toEqual([
      { title: "(too long to be shown)", answer: "denied", by: null },
      { title, answer: "denied", by: console.approver.name },
    ]);
  });

  it("is refused what nobody answers in time, and its question is gone where it is halted", async () => {
    const asks: Step[] = [{ do: "permission", title: "npm publish" }, ...mends];
    const impatient = await cyclesConsole({
      policy: { ...unwatched, limits: { mutants: 0, permission_minutes: 0.01 } },
    });
    await impatient.withAgent([asks], { permissions: "ask" });
    const { id } = await impatient.start();
    expect(executionOf(await impatient.settled(id))).toMatchObject({
      permissions: [{ title: "npm publish", answer: "denied", by: null }],
    });
    const patient = await cyclesConsole({ policy: unwatched });
    await patient.withAgent([asks], { permissions: "ask" });
    const other = await patient.start();
    await eventually(
      () => patient.get(other.id),
      ({ permissions_asked: open }) => open.length === 1,
      60_000,
    );
    await patient.approver.client.call("cancelCycle", { params: { id: other.id }, body: {} });
    expect((await patient.get(other.id)).permissions_asked).toEqual([]);
  });

  it("spends no more than its budget, and the cycle says where that is raised", async () => {
    const many: Step[] = Array.from({ length: 40 }, () => ({ do: "model", model: "gpt-5.2" }));
    const console = await cyclesConsole({ turns: [[...many, ...mends]], policy: unwatched });
    await console.gateway.push({
      "policies/budget.yaml":
        "id: budget\nkind: budget\ntitle: All\nlimits: { daily_usd: 0.05 }\non_exceeded: block\n",
    });
    const { id } = await console.start();
    const ended = await console.settled(id);
    expect(ended).toMatchObject({ state: "capped", stage: "execute" });
    expect(ended.reason).toContain("page Costs");
    const spent = (await calls(console.gateway)).reduce(
      (sum, { cost_nano_usd }) => sum + (cost_nano_usd ?? 0),
      0,
    );
    expect(spent).toBeGreaterThan(0);
    expect(spent).toBeLessThan(0.2e9);
    await console.gateway.push({
      "policies/budget.yaml":
        "id: budget\nkind: budget\ntitle: All\nlimits: { daily_usd: 50 }\non_exceeded: block\n",
    });
    await console.person.client.call("resumeCycle", { params: { id }, body: {} });
    expect(await console.settled(id)).toMatchObject({ state: "completed" });
  });
});

describe("an agent that breaks off when a part of the work is done", () => {
  const [first, second] = ["Add instead of subtracting", "Show that sums add"];
  const parts = plan.work_breakdown.items.flatMap((item) => [
    { ...item, id: "1", title: first },
    { ...item, id: "2", title: second, depends_on: ["1"] },
  ]);
  const inParts = { planner: [{ ...plan, work_breakdown: { items: parts } }] };
  const tested = write("test/sum.test.js", test(nothing + shown));

  it("leaves it done: the cycle says so, and goes on with the rest", async () => {
    const console = await cyclesConsole({
      turns: [[fix], [tested, { do: "exit", code: 3 }]],
      replies: inParts,
      policy: unwatched,
    });
    const { id } = await console.start();
    const broken = await console.settled(id);
    expect(broken).toMatchObject({ state: "waiting", waits_for: "partial", stage: "execute", tries: 0 });
    expect(broken.reason).toMatch(/exit 3.*done, and kept: 1 of 2/s);
    expect(executionOf(broken)).toMatchObject({ stop_reason: "broke_off", done: ["1"] });
    expect(executionOf(broken)?.commits.map(({ subject }) => subject)).toEqual([
      "feat: add instead of subtracting",
    ]);
    await console.withAgent([[{ do: "repeat" }, tested]]);
    await console.person.client.call("resumeCycle", {
      params: { id },
      body: { comment: "Mind the callers" },
    });
    const ended = await console.settled(id);
    expect([ended.state, ended.reason]).toEqual(["completed", null]);
    const execution = executionOf(ended);
    expect(execution).toMatchObject({ done: ["1", "2"], broke_off: null, turns: [{ item: "2" }] });
    expect(execution?.claims).toContain("Parts that are done already, and committed in this checkout: 1.");
    expect(execution?.claims).toContain("Mind the callers");
    expect(execution?.claims).not.toContain(`Do part 1 of the work now`);
    const { base_commit: base } = ended;
    expect(console.repository.git("log", "--format=%s", `${base}..main`).split("\n")).toEqual([
      "docs: sums are wrong",
      "feat: show that sums add",
      "feat: add instead of subtracting",
    ]);
  });

  it.each([0, 20, 120])("has done its work where it exits %i ms behind its last turn", async (ms) => {
    const console = await cyclesConsole({
      turns: [[fix, tested, { do: "exitLater", ms }]],
      policy: unwatched,
    });
    const { id } = await console.start();
    const ended = await console.settled(id);
    expect([ended.state, ended.reason]).toEqual(["completed", null]);
  });

  it("goes on to the gates where the rest needs no commit", async () => {
    const console = await cyclesConsole({
      turns: [[fix, tested], [{ do: "exit", code: 3 }]],
      replies: inParts,
      policy: unwatched,
    });
    const { id } = await console.start();
    expect(await console.settled(id)).toMatchObject({ state: "waiting", waits_for: "partial" });
    await console.withAgent([[{ do: "say", text: "It is all there." }]]);
    await console.person.client.call("resumeCycle", { params: { id }, body: {} });
    expect(await console.settled(id)).toMatchObject({ state: "completed", reason: null });
  });

  it("leaves it done where its budget is used up, too", async () => {
    const many: Step[] = Array.from({ length: 40 }, () => ({ do: "model", model: "gpt-5.2" }));
    const console = await cyclesConsole({
      turns: [[fix], [...many, tested]],
      replies: inParts,
      policy: unwatched,
    });
    const budget = (usd: number) =>
      console.gateway.push({
        "policies/budget.yaml": `id: budget\nkind: budget\ntitle: All\nlimits: { daily_usd: ${usd} }\non_exceeded: block\n`,
      });
    await budget(0.05);
    const { id } = await console.start();
    expect(await console.settled(id)).toMatchObject({ state: "capped", waits_for: "partial" });
    await budget(50);
    await console.withAgent([[tested]]);
    await console.person.client.call("resumeCycle", { params: { id }, body: {} });
    expect(await console.settled(id)).toMatchObject({ state: "completed", reason: null });
  });
});

describe("a cycle whose run hits its budget", () => {
  it("waits with the others that ask, and goes on by itself once an approver lets the run spend more", async () => {
    const many: Step[] = Array.from({ length: 40 }, () => ({ do: "model", model: "gpt-5.2" }));
    const console = await cyclesConsole({ turns: [[...many, ...mends]], policy: unwatched });
    await console.gateway.push({
      "policies/budget.yaml": stringify({
        id: "budget",
        kind: "budget",
        title: "Runs",
        scope: { runs: ["*"] },
        per: "run",
        limits: { total_usd: 0.05 },
        on_exceeded: "ask",
      }),
    });
    const { workers } = console.gateway.features.audit;
    await workers.start();
    whenFileEnds(() => workers.stop());
    const { id } = await console.start();
    expect(await console.settled(id)).toMatchObject({ state: "capped", stage: "execute" });
    const { items } = await console.approver.client.call("listRunPauses");
    expect(items).toMatchObject([{ run: id, state: "waiting" }]);
    await console.approver.client.call("decideRunPause", {
      params: { id: items[0]?.id ?? "" },
      body: { decision: "raise", amount: 5 },
    });
    await console.at(id, "merge");
    expect(await console.settled(id)).toMatchObject({ state: "completed" });
  });
});

describe("the branch that a cycle is for", () => {
  it("may move meanwhile: the two are brought together, checked, and agreed to anew", async () => {
    const console = await cyclesConsole({ policy: { checkpoints: ["merge"] } });
    const { repository, approver, start, settled, decide } = console;
    const { id } = await start();
    const checked = await settled(id);
    expect(checked.checkpoint?.checkpoint).toBe("merge");
    const other = repository.commit({ "README.md": "# Shop\n" }, "docs: a readme");
    await decide(approver, id, "approve");
    const again = await settled(id);
    expect(again).toMatchObject({ state: "waiting", stage: "check", base_commit: other });
    expect(again.checkpoint?.subject).not.toBe(checked.checkpoint?.subject);
    expect(again.checkpoint?.given).toBe(0);
    const ended = await carriedThrough(console, id);
    expect(ended.state).toBe("completed");
    expect(headOf(repository)).toBe(ended.head_commit);
    expect(repository.git("merge-base", other, "main")).toBe(other);
    expect(readFileSync(join(repository.folder, "src/sum.js"), "utf8")).toContain("a + b");
  });

  it("may have changed the same lines: a person says how they are brought together", async () => {
    const console = await cyclesConsole({ policy: { checkpoints: ["merge"] } });
    const { repository, approver, start, settled, decide } = console;
    const { id } = await start();
    await settled(id);
    const other = repository.commit({ "src/sum.js": "exports.sum = (a, b) => a - -b;\n" });
    await decide(approver, id, "approve");
    const ended = await settled(id);
    expect(ended).toMatchObject({ state: "waiting", waits_for: "help", stage: "merge" });
    expect(ended.reason).toContain("src/sum.js");
    expect(headOf(repository)).toBe(other);
  });

  it("is left alone where its work tree has changes that the merge would touch", async () => {
    const console = await cyclesConsole({ policy: { checkpoints: [] } });
    const { repository, start, settled } = console;
    writeFileSync(join(repository.folder, "src/sum.js"), "exports.sum = () => 'mine';\n");
    const { id } = await start();
    const ended = await settled(id);
    expect(ended).toMatchObject({ state: "waiting", waits_for: "help", stage: "merge" });
    expect(headOf(repository)).toBe(ended.base_commit);
    expect(readFileSync(join(repository.folder, "src/sum.js"), "utf8")).toContain("mine");
    repository.git("checkout", "--quiet", "--", "src/sum.js");
    await console.person.client.call("resumeCycle", { params: { id }, body: {} });
    expect(await settled(id)).toMatchObject({ state: "completed" });
  });
});

describe("a repository", () => {
  it.each<[string, Record<string, string>, RegExp]>([
    ["without tests", { "src/sum.js": "1;\n" }, /No tests were found/],
    ["with LFS", { ...shop, ".gitattributes": "*.bin filter=lfs\n" }, /Git LFS/],
    [
      "whose recipe is no YAML",
      { ...shop, ".ciclo/cycle.yaml": "test: [" },
      /\.ciclo\/cycle\.yaml cannot be used/,
    ],
  ])("that is %s is a person's to look at first", async (_, files, said) => {
    const { start, settled } = await cyclesConsole({ files, policy: unwatched });
    const { id } = await start();
    const cycle = await settled(id);
    expect(cycle).toMatchObject({ state: "waiting", waits_for: "help", stage: "prepare" });
    expect(cycle.reason).toMatch(said);
  });

  it("may be bare, and its other branches are worked on by name", async () => {
    const console = await cyclesConsole({ policy: { checkpoints: [] } });
    const { repository, person, settled } = console;
    repository.git("branch", "release");
    const bare = `${repository.folder}.git`;
    repository.git("clone", "--quiet", "--bare", repository.folder, bare);
    const { id } = await person.client.call("startCycle", {
      body: { repository: bare, base_branch: "release", issue: "Sums are wrong" },
    });
    const ended = await settled(id);
    expect(ended).toMatchObject({ state: "completed", base_branch: "release" });
    expect(repository.git("--git-dir", bare, "rev-parse", "release")).toBe(ended.head_commit);
    expect(repository.git("--git-dir", bare, "rev-parse", "main")).toBe(ended.base_commit);
  });
});
