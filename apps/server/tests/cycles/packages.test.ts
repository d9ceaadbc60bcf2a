import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CycleDetail } from "@ciclo/contract";
import { beforeAll, expect, it } from "vitest";
import { carriedThrough, type CyclesConsole, cyclesConsole } from "../support/cycles/console.ts";
import { documentation, plan } from "../support/cycles/artifacts.ts";
import { repositoryWith, type TestRepository } from "../support/repository.ts";
import { temporaryFolder } from "../support/temporary.ts";

/**
 * Published packages that bring their own tests: code that nobody here wrote, downloaded when this runs. Each is given a fault by
 * a mutation, and a test that shows it.
 */
const packages: { name: string; file: string; from: string; to: string; shows: string }[] = [
  {
    name: "minimist@1.2.8",
    file: "index.js",
    from: "/^0x[0-9a-f]+$/i).test(x)) { return true; }",
    to: "/^0x[0-9a-f]+$/i).test(x)) { return false; }",
    shows: "t.equal(require('../')(['-n', '0x1f']).n, 31)",
  },
  {
    name: "json-stable-stringify@1.3.0",
    file: "index.js",
    from: "i < n; i += 1",
    to: "i < n - 1; i += 1",
    shows: "t.equal(require('../')({ a: 1 }, { space: 2 }), '{\\n  \"a\": 1\\n}')",
  },
  {
    name: "function-bind@1.1.2",
    file: "implementation.js",
    from: "arr[j + a.length] = b[j];",
    to: "arr[j] = b[j];",
    shows:
      "t.deepEqual(require('../implementation').call(function (a, b) { return [a, b]; }, null, 1)(2), [1, 2])",
  },
  {
    name: "side-channel@1.1.1",
    file: "index.js",
    from: "if (!channel.has(key))",
    to: "if (channel.has(key))",
    shows: "t['throws'](function () { require('../')().assert({}); })",
  },
  {
    name: "is-regex@1.2.1",
    file: "index.js",
    from: "return e === isRegexMarker;",
    to: "return e !== isRegexMarker;",
    shows: "t.equal(require('../')(/a/), true)",
  },
  {
    name: "has-symbols@1.1.0",
    file: "shams.js",
    from: "=== 'symbol') { return true; }",
    to: "=== 'symbol') { return false; }",
    shows: "t.equal(require('../shams')(), true)",
  },
  {
    name: "concat-map@0.0.2",
    file: "index.js",
    from: "res.push.apply(res, x);",
    to: "res.push(x);",
    shows: "t.deepEqual(require('../')([1, 2], function (x) { return [x, x]; }), [1, 1, 2, 2])",
  },
  {
    name: "es-define-property@1.0.1",
    file: "index.js",
    from: "Object.defineProperty || false",
    to: "Object.defineProperty && false",
    shows: "t.equal(require('../'), Object.defineProperty)",
  },
  {
    name: "gopd@1.2.0",
    file: "index.js",
    from: "$gOPD([], 'length')",
    to: "$gOPD(null, 'length')",
    shows: "t.equal(typeof require('../'), 'function')",
  },
  {
    name: "has-proto@1.2.0",
    file: "index.js",
    from: "=== test.foo",
    to: "!== test.foo",
    shows: "t.equal(require('../')(), true)",
  },
];

const tape = "5.10.2";
const patience = 600_000;

type Fetched = { files: Record<string, string>; vendor: Buffer };
let fetched: Map<string, Fetched>;

const textIn = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, "utf8")]),
  );

beforeAll(async () => {
  const folder = await temporaryFolder();
  const npm = (...args: string[]): string =>
    execFileSync("npm", [...args, "--no-audit", "--no-fund", "--silent"], { cwd: folder, encoding: "utf8" });
  const tarballs = npm("pack", ...packages.map(({ name }) => name))
    .trim()
    .split("\n");
  const sources = new Map<string, Record<string, string>>();
  for (const [index, { name }] of packages.entries()) {
    const into = await temporaryFolder();
    execFileSync("tar", ["xzf", join(folder, tarballs[index] ?? ""), "-C", into, "--strip-components=1"]);
    sources.set(name, textIn(into));
  }
  // What they need to run, and the runner, in one archive that their set-up unpacks.
  const dependencies = Object.assign(
    { tape },
    ...[...sources.values()].map(
      (files) =>
        (JSON.parse(files["package.json"] ?? "{}") as { dependencies?: Record<string, string> }).dependencies,
    ),
  ) as Record<string, string>;
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "vendor", private: true, dependencies }),
  );
  npm("install", "--ignore-scripts");
  execFileSync("tar", ["czf", "vendor.tgz", "node_modules"], { cwd: folder });
  const vendor = readFileSync(join(folder, "vendor.tgz"));
  fetched = new Map([...sources].map(([name, files]) => [name, { files, vendor }]));
}, patience);

/** The package with a fault on top of it as it was published, and a reproduction of the fault. */
async function faulty({ name, file, from, to, shows }: (typeof packages)[number]): Promise<TestRepository> {
  const { files, vendor } = fetched.get(name) ?? { files: {}, vendor: Buffer.alloc(0) };
  const source = files[file] ?? "";
  expect(source.split(from)).toHaveLength(2);
  const repository = await repositoryWith(files);
  writeFileSync(join(repository.folder, "vendor.tgz"), vendor);
  repository.commit({
    [file]: source.replace(from, to),
    "reproduction.js": `var test = require('tape');\n\ntest('the fault is mended [T1]', function (t) {\n\t${shows};\n\tt.end();\n});\n`,
    ".gitignore": "node_modules\n",
    ".ciclo/cycle.yaml": "version: 1\nsetup: tar xzf vendor.tgz\ntest: tape 'test/**/*.js'\n",
  });
  return repository;
}

const planned = {
  ...plan,
  definitions: {
    ready: [{ text: "Nothing is open", verified_by: { check: "questions_answered" as const } }],
    done: plan.definitions.done,
  },
  repository_context: { files: [{ path: "package.json", why: "It names the package." }] },
};
const restore = 'git checkout --quiet "$(git rev-list --max-parents=0 HEAD)" -- ';

async function deliver(running: CyclesConsole, repository: TestRepository): Promise<CycleDetail> {
  const { person } = running;
  const { id } = await person.client.call("startCycle", {
    body: { repository: repository.folder, issue: "# The package has a fault\n\nSee reproduction.js." },
  });
  return carriedThrough(running, id);
}

it(
  "ten published packages, each with a seeded fault, are mended, shown red and green, and merged, all at once",
  async () => {
    const files = [...new Set(packages.map(({ file }) => file))].join(" ");
    const mend = `for file in ${files}; do test -e $file && ${restore} $file; done; cp reproduction.js test/0-fault.js`;
    const running = await cyclesConsole({
      patienceMs: patience / 2,
      turns: [[{ do: "shell", command: mend }]],
      replies: { planner: [planned], doc: [documentation] },
    });
    const results = await Promise.all(
      packages.map(async (one) => {
        const repository = await faulty(one);
        const cycle = await deliver(running, repository);
        return { one, repository, cycle };
      }),
    );
    for (const { one, repository, cycle } of results) {
      expect([one.name, cycle.state, cycle.reason]).toEqual([one.name, "completed", null]);
      const check = cycle.artifacts.findLast(({ kind }) => kind === "check");
      expect(check?.content).toMatchObject({
        problems: [],
        tests: {
          runner: "tape",
          // Where the fault ended the run early, tests that were there are among them.
          fresh: expect.arrayContaining([
            expect.objectContaining({
              name: expect.stringContaining("the fault is mended [T1]") as string,
              on_base: "assertion",
            }),
          ]) as unknown[],
        },
      });
      expect(repository.git("show", `main:${one.file}`)).toContain(one.from);
    }
  },
  patience,
);

it(
  "the same packages with an agent that only says that it mended them: none gets past the gates",
  async () => {
    const lie =
      "cp reproduction.js test/0-fault.js; sed -i 's/t\\.[a-zA-Z]*(.*/t.ok(true);/; s/t\\[.*/t.ok(true);/' test/0-fault.js";
    const running = await cyclesConsole({
      patienceMs: patience / 2,
      turns: [
        [
          { do: "shell", command: lie },
          { do: "say", text: "Mended. All tests are green." },
        ],
      ],
      replies: { planner: [planned], doc: [documentation] },
      policy: { tries: 1 },
    });
    const results = await Promise.all(
      packages.slice(0, 3).map(async (one) => deliver(running, await faulty(one))),
    );
    for (const cycle of results) {
      expect([cycle.state, cycle.waits_for]).toEqual(["waiting", "help"]);
      expect(cycle.reason).toContain("T1 (R1)");
    }
    const report = await running.approver.client.call("getCycleResults", { query: {} });
    expect(report.results).toMatchObject([
      { agent: "scripted", score: null, total_instances: 3, resolved_instances: 0, false_greens_caught: 3 },
    ]);
  },
  patience,
);
