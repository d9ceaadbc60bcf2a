import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { calls } from "../support/model-endpoint.ts";
import { documentation } from "../support/cycles/artifacts.ts";
import { carriedThrough, cyclesConsole, headOf, mends, shop, type Step } from "../support/cycles/console.ts";

const later: Step[] = [{ do: "write", path: "notes.md", contents: "Left uncommitted.\n" }];

describe("a delivery cycle", () => {
  it("comes from an issue to a change on the branch, each step agreed to, shown, and paid for", async () => {
    const console = await cyclesConsole();
    const { repository, gateway, person } = console;
    const base = headOf(repository);
    const { id } = await console.start();
    const analyzed = await console.settled(id);
    expect(analyzed).toMatchObject({
      state: "waiting",
      stage: "analyze",
      waits_for: "decision",
      title: "Sums are wrong",
      base_branch: "main",
      base_commit: base,
      checkpoint: { checkpoint: "analyze", required: 1, given: 0, may_decide: true },
    });
    const ended = await carriedThrough(console, id);
    expect(ended).toMatchObject({ state: "completed", stage: "merge", reason: null, branch: `ciclo/${id}` });
    const head = headOf(repository);
    expect(ended.head_commit).toBe(head);
    // The work tree in which the branch is checked out has gone along.
    expect(readFileSync(join(repository.folder, "src/sum.js"), "utf8")).toContain("a + b");
    expect(readFileSync(join(repository.folder, "CHANGELOG.md"), "utf8")).toContain(
      "## [Unreleased]\n\n### Fixed\n\n- `sum` adds.\n\n## [1.0.0]",
    );
    expect(readdirSync(join(repository.folder, "docs/cycles", id)).toSorted()).toContain("quick-spec.md");
    expect(repository.git("log", "--format=%s", `${base}..${head}`).split("\n")).toEqual([
      "docs: sums are wrong",
      "feat: add instead of subtracting",
    ]);
    const report = ended.artifacts.findLast(({ kind }) => kind === "check");
    if (report?.kind !== "check") throw new Error("no report");
    expect(report.content).toMatchObject({
      base,
      head,
      problems: [],
      to_agree: [],
      tests: {
        passed_on_base: 1,
        passed_on_head: 2,
        fresh: [{ file: "test/sum.test.js", name: "adds two numbers [T1]", on_base: "assertion" }],
        lost: [],
        flaky: [],
      },
      requirements: [{ requirement: "R1", cases: [{ case: "T1", tests: ["adds two numbers [T1]"] }] }],
    });
    // Each phase's calls are counted once, the agent's among them, for whoever asked for the cycle.
    const rows = await calls(gateway);
    expect(rows.map(({ phase, run, actor_name }) => [phase, run, actor_name])).toEqual(
      ["analyzer", "planner", "executor", "doc"].map((phase) => [phase, id, person.name]),
    );
    expect(ended.cost.calls).toBe(4);
    // Nothing is left of the work.
    expect(existsSync(join(gateway.config.home, "cycles/work"))).toBe(true);
    expect(readdirSync(join(gateway.config.home, "cycles/work"))).toEqual([]);
    expect(readdirSync(join(gateway.config.home, "cycles/doors"))).toEqual([]);
    expect((await person.client.call("listRunTokens")).items).toEqual([]);
  });

  it("has Conventional Commits alone on its branch, whatever an agent and a model call them", async () => {
    const commit = (message: string): Step => ({
      do: "shell",
      command: `git -c user.name=Ada -c user.email=ada@acme.dev commit -aqm "${message}"`,
    });
    const [, mended, tested] = mends as [Step, Step, Step];
    const running = await cyclesConsole({
      turns: [[mended, commit("Fixed the sums."), tested, commit("test: show that sums add"), ...later]],
      replies: {
        doc: [{ ...documentation, pull_request: { ...documentation.pull_request, title: "API sums add." } }],
      },
    });
    const { id } = await running.start("# SQL sums are wrong\n\nsum(2, 2) is 0.");
    const ended = await carriedThrough(running, id);
    expect([ended.state, ended.reason]).toEqual(["completed", null]);
    const { base_commit: base, head_commit: head } = ended;
    const log = running.repository.git("log", "--format=%an: %s", `${base}..${head}`).split("\n");
    expect(log).toEqual([
      "Ciclo: docs: sql sums are wrong",
      "scripted: feat: add instead of subtracting",
      "Ada: test: show that sums add",
      "Ada: fix: fixed the sums",
    ]);
    const execution = ended.artifacts.findLast(({ kind }) => kind === "execution");
    expect(execution?.content).toMatchObject({
      commits: log
        .slice(1)
        .toReversed()
        .map((line) => ({ subject: line.slice(line.indexOf(": ") + 2) })),
    });
    const written = ended.artifacts.findLast(({ kind }) => kind === "documentation");
    expect(written?.content).toMatchObject({ pull_request: { title: "api sums add" } });
  });

  it("brings the documents of the project along, where a model says what has to change in them", async () => {
    const edit = (find: string) => ({
      ...documentation,
      edits: [{ path: "README.md", find, replace: "`sum(a, b)` adds." }],
    });
    const running = await cyclesConsole({
      files: { ...shop, "README.md": "# Shop\n\n`sum(a, b)` subtracts.\n" },
      replies: { doc: [edit("`sum(a, b)` multiplies."), edit("`sum(a, b)` subtracts.")] },
    });
    const { id } = await running.start();
    const ended = await carriedThrough(running, id);
    expect([ended.state, ended.reason]).toEqual(["completed", null]);
    const changed = running.repository.git("show", "--format=%s", "--name-only", "main").split("\n");
    expect([changed[0], changed.includes("README.md")]).toEqual(["docs: sums are wrong", true]);
    expect(running.repository.git("show", "main:README.md")).toBe("# Shop\n\n`sum(a, b)` adds.");
    const written = ended.artifacts.findLast(({ kind }) => kind === "documentation");
    expect(written?.markdown).toContain("-`sum(a, b)` subtracts.\n+`sum(a, b)` adds.");
    // What did not fit went back to the model.
    expect((await calls(running.gateway)).filter(({ phase }) => phase === "doc")).toHaveLength(2);
  });

  it("asks the model again where its edits have lost their place, or somebody says something of them", async () => {
    const edit = (find: string, replace: string) => ({
      ...documentation,
      edits: [{ path: "README.md", find, replace }],
    });
    const running = await cyclesConsole({
      files: { ...shop, "README.md": "# Shop\n\n`sum(a, b)` subtracts.\n" },
      replies: {
        doc: [
          edit("subtracts", "adds wrongly"),
          edit("subtracts", "adds"),
          edit("takes away", "adds, in numbers"),
        ],
      },
    });
    const { id } = await running.start();
    const { repository, approver, settled, decide } = running;
    for (let at = await settled(id); at.stage !== "check"; at = await settled(id))
      await decide(approver, id, "approve");
    await running.withAgent([[{ do: "write", path: "notes.md", contents: "More.\n" }]]);
    await decide(approver, id, "send_back", "README.md says something wrong");
    const again = await settled(id);
    expect(again.artifacts.findLast(({ kind }) => kind === "documentation")?.content).toMatchObject({
      edits: [{ replace: "adds" }],
    });
    // Somebody else changes the very passage before it is merged.
    repository.commit({ "README.md": "# Shop\n\n`sum(a, b)` takes away.\n" }, "docs: other words");
    const ended = await carriedThrough(running, id);
    expect([ended.state, ended.reason]).toEqual(["completed", null]);
    expect(repository.git("show", "main:README.md")).toBe("# Shop\n\n`sum(a, b)` adds, in numbers.");
  });

  it("merges nothing where a repository refuses the branch of the cycle, and says what its hook says", async () => {
    const running = await cyclesConsole();
    const { repository } = running;
    const bare = `${repository.folder}.git`;
    repository.git("clone", "--quiet", "--bare", repository.folder, bare);
    const hook =
      '#!/bin/sh\ncase "$1" in refs/heads/ciclo/*) echo "no such branches here" >&2; exit 1;; esac\n';
    writeFileSync(join(bare, "hooks/update"), hook, { mode: 0o755 });
    const { id } = await running.person.client.call("startCycle", {
      body: { repository: bare, issue: "# Sums are wrong\n\nsum(2, 2) is 0." },
    });
    const ended = await carriedThrough(running, id);
    expect(ended).toMatchObject({ state: "waiting", waits_for: "help", stage: "merge" });
    expect(ended.reason).toContain("no such branches here");
    expect(repository.git("-C", bare, "rev-parse", "main")).toBe(headOf(repository));
  });
});
