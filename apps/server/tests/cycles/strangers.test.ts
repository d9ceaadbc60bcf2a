import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CheckReport, CycleDetail } from "@ciclo/contract";
import { describe, expect, it } from "vitest";
import { plan } from "../support/cycles/artifacts.ts";
import {
  carriedThrough,
  cyclesConsole,
  headOf,
  mends,
  nothing,
  policies,
  executorOf,
  shop,
  shown,
  type Step,
  test,
} from "../support/cycles/console.ts";

/** What helpers who had not seen the code came up with. */
const unwatched = { checkpoints: [], tries: 1 };
const reportOf = ({ artifacts }: CycleDetail): CheckReport | undefined =>
  artifacts.findLast((one) => one.kind === "check")?.content;
const fix: Step = { do: "write", path: "src/sum.js", contents: "exports.sum = (a, b) => a + b;\n" };
const write = (path: string, contents: string): Step => ({ do: "write", path, contents });

async function outcomeOf(steps: readonly Step[], files: Record<string, string> = shop) {
  const console = await cyclesConsole({ turns: [steps], policy: unwatched, files });
  const { id } = await console.start();
  return { console, ended: await console.settled(id) };
}

describe("a change that nobody could check", () => {
  it.each<[string, readonly Step[], Record<string, string>, RegExp]>([
    [
      "whose tests take the report away",
      [
        write(
          "test/zz.test.js",
          `const fs = require("node:fs"), { HOME } = process.env;\nfor (const name of fs.readdirSync(HOME)) if (name.startsWith("report-")) fs.unlinkSync(HOME + "/" + name);\n`,
        ),
      ],
      shop,
      /could not be read after the change|No new test/,
    ],
    [
      "that brings a program of its own for the gates",
      [
        write("node_modules/.bin/node", "#!/bin/sh\nexit 0\n"),
        { do: "shell", command: "chmod +x node_modules/.bin/node && git add -f node_modules" },
        ...mends,
      ],
      shop,
      /The change commits node_modules/,
    ],
    [
      "for a branch whose build was broken before",
      [write("build.js", ""), ...mends],
      { ...shop, ".ciclo/cycle.yaml": "version: 1\nbuild: node build.js\ntest: node --test\n" },
      /The tests did not run before the change/,
    ],
    [
      "whose command for tests is another one",
      [write("package.json", '{ "scripts": { "test": "true" } }\n')],
      {
        ...shop,
        ".ciclo/cycle.yaml": "version: 1\ntest: npm test\n",
        "package.json": '{ "scripts": { "test": "node --test" } }\n',
      },
      /which a person has to agree to/,
    ],
    [
      "shown only by a test that asks nothing",
      [
        write("src/marker.js", ""),
        write(
          "test/new.test.js",
          test('require("../src/marker.js"); test("adds two numbers [T1]", () => {});\n'),
        ),
      ],
      shop,
      /which a person has to agree to/,
    ],
    [
      "that weakens a test which git takes for binary",
      [
        fix,
        write("test/sum.test.js", `// \0\n${test('test("adds nothing", () => assert.ok(true));\n' + shown)}`),
      ],
      shop,
      /which a person has to agree to/,
    ],
  ])("is none: %s", async (_, steps, files, said) => {
    const { console, ended } = await outcomeOf(steps, files);
    expect(ended).toMatchObject({ state: "waiting", waits_for: "help" });
    expect(ended.reason).toMatch(said);
    expect(headOf(console.repository)).toBe(ended.base_commit);
  });

  it("keeps the plan's promises, or says which it breaks and which nobody measured", async () => {
    const promising = {
      ...plan,
      definitions: {
        ready: plan.definitions.ready,
        done: [
          {
            text: "Only documents change",
            verified_by: { check: "only_changes" as const, paths: ["docs/**"] },
          },
          { text: "Mutants are found", verified_by: { check: "mutants_detected" as const, at_least: 1 } },
        ],
      },
    };
    const console = await cyclesConsole({ policy: unwatched, replies: { planner: [promising] } });
    const { id } = await console.start();
    const ended = await console.settled(id);
    expect(ended.reason).toContain(
      'The plan says "Only documents change" (only_changes), which does not hold',
    );
    expect(reportOf(ended)?.to_agree).toMatchObject([{ kind: "not_measured" }]);
  });
});

describe("the repository of a cycle", () => {
  it.each(["relative", "absolute"])("runs no hook that the agent wrote: hooksPath %s", async (kind) => {
    const console = await cyclesConsole({ turns: [[]], policy: unwatched });
    const { folder, git } = console.repository;
    git("config", "core.hooksPath", kind === "relative" ? ".githooks" : join(folder, ".githooks"));
    const ran = join(folder, "..", "ran-outside");
    const hook = `#!/bin/sh\ntouch ${ran}\n`;
    const hooks = [
      "post-index-change",
      "post-receive",
      "post-update",
      "push-to-checkout",
      "reference-transaction",
    ];
    await console.withAgent([
      [
        ...hooks.map((name) => write(`.githooks/${name}`, hook)),
        { do: "shell", command: "chmod +x .githooks/*" },
        ...mends,
      ],
    ]);
    const { id } = await console.start();
    expect(await console.settled(id)).toMatchObject({ state: "completed" });
    expect(existsSync(ran)).toBe(false);
    expect(readFileSync(join(folder, "src/sum.js"), "utf8")).toContain("a + b");
  });

  it("loses nothing that came to the branch meanwhile, whatever is sent back", async () => {
    const console = await cyclesConsole({ policy: { checkpoints: ["merge"] } });
    const { repository, approver, start, settled, decide } = console;
    const { id } = await start();
    await settled(id);
    const other = repository.commit({ "src/feature.js": "exports.feature = 1;\n" }, "feat: a feature");
    await decide(approver, id, "approve");
    expect(await settled(id)).toMatchObject({ stage: "check", base_commit: other });
    await console.withAgent([[write("notes.md", "Sums add.\n")], [write("notes.md", "Sums add.\n")]], {});
    await console.gateway.push(
      policies({ checkpoints: ["merge"], executor: executorOf([[], [write("notes.md", "Sums add.\n")]]) }),
    );
    await decide(approver, id, "send_back", "Add notes, please");
    const ended = await carriedThrough(console, id);
    expect([ended.state, ended.reason]).toEqual(["completed", null]);
    expect(repository.git("merge-base", other, "main")).toBe(other);
    for (const path of ["src/feature.js", "notes.md"])
      expect(existsSync(join(repository.folder, path))).toBe(true);
    expect(readFileSync(join(repository.folder, "CHANGELOG.md"), "utf8").match(/`sum` adds/g)).toHaveLength(
      1,
    );
  });

  it("has conflicts brought together by the agent, who is given the other change", async () => {
    const console = await cyclesConsole({ policy: { checkpoints: ["merge"] } });
    const { repository, approver, person, start, settled, decide } = console;
    const { id } = await start();
    await settled(id);
    const other = repository.commit({ "src/sum.js": "exports.sum = (a, b) => a - b; // exact\n" });
    await decide(approver, id, "approve");
    expect((await settled(id)).reason).toContain("src/sum.js");
    const joins: Step[] = [
      {
        do: "shell",
        command: `git -c user.name=a -c user.email=a@b.c merge --no-edit ${other} || { echo "exports.sum = (a, b) => a + b; // exact" > src/sum.js; git add -A; git -c user.name=a -c user.email=a@b.c commit --no-edit --quiet; }`,
      },
    ];
    await console.gateway.push(policies({ checkpoints: ["merge"], executor: executorOf([joins, joins]) }));
    await person.client.call("resumeCycle", {
      params: { id },
      body: { from: "execute", comment: "Keep both" },
    });
    const ended = await carriedThrough(console, id);
    expect([ended.state, ended.reason]).toEqual(["completed", null]);
    expect(readFileSync(join(repository.folder, "src/sum.js"), "utf8")).toBe(
      "exports.sum = (a, b) => a + b; // exact\n",
    );
    expect(repository.git("merge-base", other, "main")).toBe(other);
  });

  it("is left alone once policy does not name it any more, and checked as its branch says now", async () => {
    const console = await cyclesConsole({ policy: { checkpoints: ["merge"] } });
    const { repository, approver, gateway, start, settled, decide } = console;
    const { id } = await start();
    await settled(id);
    await gateway.push(policies({ repositories: ["/elsewhere/**"] }));
    await decide(approver, id, "approve");
    expect(await settled(id)).toMatchObject({ state: "waiting", waits_for: "help", stage: "merge" });
    repository.commit({ ".ciclo/cycle.yaml": 'version: 1\nbuild: "false"\ntest: node --test\n' });
    await gateway.push(policies({ tries: 1, checkpoints: ["merge"], executor: executorOf([mends]) }));
    await approver.client.call("resumeCycle", { params: { id }, body: {} });
    const ended = await settled(id);
    expect(ended.recipe?.recipe.build).toBe("false");
    expect(ended).toMatchObject({ state: "waiting", waits_for: "help" });
    expect(reportOf(ended)?.problems.map(({ en }) => en)).toContain("The gate build fails: false (exit 1)");
  });
});

describe("what an agent leaves", () => {
  it("is cleared away, however deep, and delivered, however large or odd", async () => {
    const { console, ended } = await outcomeOf([
      {
        do: "shell",
        command: `cd "$HOME" && for i in $(seq 40); do d=$(printf 'd%.0s' $(seq 200)); mkdir "$d" && cd "$d"; done`,
      },
      { do: "shell", command: "head -c 3000000 /dev/urandom > picture.bin" },
      { do: "shell", command: "mv src/sum.js src/real.js; ln -s real.js src/sum.js" },
      { do: "shell", command: `printf 'x\\rdiff --git a/x b/x\\ny\\n' > odd.txt` },
      write("src/real.js", "exports.sum = (a, b) => a + b;\n"),
      write("test/sum.test.js", test(nothing + shown)),
    ]);
    expect([ended.state, ended.reason]).toEqual(["completed", null]);
    expect(existsSync(join(console.repository.folder, "picture.bin"))).toBe(true);
    const work = join(console.gateway.config.home, "cycles/work");
    mkdirSync(join(work, "left"), { recursive: true });
    writeFileSync(join(work, "left/file"), "");
    chmodSync(join(work, "left"), 0o500);
    const { workers } = console.gateway.features.cycles;
    await workers.stop();
  });

  it("that git takes from nobody is one refusal, and no fault of the console", async () => {
    const { ended } = await outcomeOf([
      {
        do: "shell",
        command: `tree=$(printf '100644 blob %s\\t.git\\n' $(git hash-object -w src/sum.js) | git mktree) && git -c user.name=a -c user.email=a@b.c commit-tree $tree -p HEAD -m x > /tmp/c; git reset -q --soft $(cat /tmp/c)`,
      },
    ]);
    expect(ended).toMatchObject({ state: "waiting", waits_for: "help", stage: "execute" });
    expect(ended.reason).not.toContain("The console failed");
  });

  it("is told apart from what it has still to do, whatever a person says in between", async () => {
    const console = await cyclesConsole({ policy: { ...unwatched, executor: { command: "no-such-agent" } } });
    const { id } = await console.start();
    expect((await console.settled(id)).reason).toContain("no-such-agent is not installed");
    await console.gateway.push(policies({ ...unwatched, executor: executorOf([mends, []]) }));
    await console.person.client.call("resumeCycle", {
      params: { id },
      body: { comment: "It is installed now" },
    });
    expect(await console.settled(id)).toMatchObject({ state: "completed" });
  });
});
