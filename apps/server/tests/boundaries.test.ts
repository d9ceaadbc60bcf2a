import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { problemsOf, ruledFiles } from "../../../scripts/import-rules.ts";
import { temporaryFolder } from "./support/temporary.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const server = "apps/server/src";
const plans = `${server}/features/plans/service.ts`;

const said = (path: string, source: string): string[] => problemsOf(path, source).map(({ says }) => says);

/** The rules of docs/ARCHITECTURE.md: a rule that no file can break would check nothing. */
describe("the import rules", () => {
  it("hold in every file that is shipped", () => {
    const files = ruledFiles();
    expect(files.length).toBeGreaterThan(300);
    expect(files.flatMap((file) => problemsOf(file, readFileSync(join(root, file), "utf8")))).toEqual([]);
  });

  const otherFeature = "features do not import each other";
  const handsIn = "app.ts hands a feature what it needs";
  const store = "only *store.ts and db/";
  const environment = "only config.ts reads the environment";
  it.each([
    // One feature and another, whatever the way is called.
    [plans, 'import { a } from "../access/rules.ts";', otherFeature],
    [plans, 'import { a } from "../../features/access/rules.ts";', otherFeature],
    [plans, 'import { a } from "./../plans/../access/rules.ts";', otherFeature],
    [plans, 'import type { A } from "../access/rules.ts";', otherFeature],
    [plans, 'export * from "../access/index.ts";', otherFeature],
    [plans, 'export type { A } from "../access/index.ts";', otherFeature],
    [plans, 'type A = import("../access/rules.ts").A;', otherFeature],
    [plans, 'const a = await import("../access/rules.ts");', otherFeature],
    [plans, 'import { a } from "@ciclo/server/features/access/rules.ts";', otherFeature],
    [`${server}/features/changes/forge/a.ts`, 'import { a } from "../../plans/draft.ts";', otherFeature],
    // A feature and what wires it.
    [plans, 'import { PlanExecutor } from "@ciclo/server";', handsIn],
    [plans, 'import { a } from "../../mount.ts";', handsIn],
    [plans, 'import type { A } from "../../app.ts";', handsIn],
    [plans, 'import { a } from "../../core.ts";', handsIn],
    [plans, 'import { readConfig } from "../../config.ts";', handsIn],
    [plans, 'import { a } from "../../cli/command.ts";', handsIn],
    // Within a feature.
    [`${server}/features/plans/routes.ts`, 'import { a } from "./store.ts";', "a route asks its service"],
    [
      `${server}/features/plans/routes.ts`,
      'import * as a from "../plans/store.ts";',
      "a route asks its service",
    ],
    [`${server}/features/plans/store.ts`, 'import { a } from "./service.ts";', "a store knows neither"],
    // The database.
    [plans, 'import { sql } from "kysely";', store],
    [plans, 'import type { Kysely } from "kysely";', store],
    [plans, 'import pg from "pg";', "only db/ talks to a database"],
    [plans, 'import postgres from "postgres";', "only db/ talks to a database"],
    [plans, 'import { DatabaseSync } from "node:sqlite";', "only db/ talks to a database"],
    [`${server}/features/plans/store.ts`, 'import pg from "pg";', "only db/ talks to a database"],
    [
      plans,
      'import type { Queries } from "../../db/dialect.ts";\nexport const a = (q: Queries) => q.selectFrom("plans");',
      store,
    ],
    [plans, 'export const a = (q: any) => q["deleteFrom"]("plans");', store],
    [plans, 'export const a = ({ updateTable }: any) => updateTable("plans");', store],
    [plans, "export const a = ({ insertInto: b }: any) => b;", store],
    // Processes.
    [plans, 'import { spawn } from "node:child_process";', "start processes"],
    [plans, 'import { spawn } from "child_process";', "start processes"],
    [`${server}/lib/a.ts`, 'import { Worker } from "worker_threads";', "start processes"],
    // The environment.
    [plans, 'import process from "node:process";', environment],
    [plans, 'import { env } from "process";', environment],
    [plans, "export const a = process.env.HOME;", environment],
    [plans, 'export const a = process["env"].HOME;', environment],
    [plans, "export const { env } = process;", environment],
    [plans, "export const a = globalThis.process.env;", environment],
    [plans, 'export const a = globalThis["process"];', environment],
    [plans, "export const { process: a } = globalThis;", environment],
    [plans, 'export const a = process.getBuiltinModule("fs");', environment],
    [plans, "process.exit(1);", environment],
    [`${server}/lib/a.ts`, "export const a = process.env.HOME;", environment],
    [`${server}/cli/users.ts`, "export const a = process.env.HOME;", environment],
    // What lies under everything.
    [`${server}/lib/a.ts`, 'import { a } from "../features/access/rules.ts";', "know no feature"],
    [`${server}/lib/a.ts`, 'import { a } from "../app.ts";', "know no feature"],
    [`${server}/lib/a.ts`, 'import { a } from "../db/dialect.ts";', "know no feature"],
    [`${server}/errors.ts`, 'import { a } from "./mount.ts";', "know no feature"],
    [`${server}/db/a.ts`, 'import { a } from "../features/access/rules.ts";', "db/ knows no feature"],
    [`${server}/domain/a.ts`, 'import type { A } from "../lib/git.ts";', "domain/ imports the contract"],
    [
      `${server}/domain/a.ts`,
      'import { Client } from "@modelcontextprotocol/client";',
      "domain/ imports the contract",
    ],
    ["packages/contract/src/a.ts", 'import { Hono } from "hono";', "the contract imports zod only"],
    ["packages/contract/src/a.ts", 'import { join } from "node:path";', "the contract imports zod only"],
    // The composition root, and what is beside it.
    [`${server}/app.ts`, 'import { a } from "./features/plans/service.ts";', "features by their index.ts"],
    [
      `${server}/serve.ts`,
      'import { a } from "./features/plans/index.ts";',
      "only app.ts, engine.ts, core.ts, outside.ts and delivery.ts make",
    ],
    [
      `${server}/cli/remote.ts`,
      'import { createApp } from "../app.ts";',
      "remote commands know the contract",
    ],
    [`${server}/cli/new.ts`, 'import { a } from "../lib/git.ts";', "remote commands know the contract"],
    // The web console.
    ["apps/web/src/features/a.ts", 'import { a } from "../../../server/src/errors.ts";', "never the server"],
    ["apps/web/src/features/a.ts", 'import { PlanExecutor } from "@ciclo/server";', "never the server"],
    ["apps/web/src/ui/a.ts", 'import { a } from "../features/audit/queries.ts";', "the kit knows no feature"],
    ["apps/web/src/ui/a.ts", 'import { call } from "../api.ts";', "the kit knows no feature"],
    ["apps/web/src/ui/a.tsx", 'import { a } from "../routes/kit.tsx";', "the kit knows no feature"],
    // What tests something, and what would carry a guarded thing on.
    [plans, 'import { a } from "../../lib/background.test.ts";', "what these rules look into"],
    [`${server}/lib/a.ts`, 'export { readConfig } from "../config.ts";', "pass nothing on"],
    [`${server}/lib/git.ts`, 'export { spawn } from "node:child_process";', "pass nothing on"],
    [`${server}/features/plans/rules.ts`, 'export * from "./store.ts";', "pass nothing on"],
    // Names written otherwise.
    [plans, "export const a = (q: any) => q[`selectFrom`]();", store],
    [plans, 'export const a = (q: any) => q["selectFrom" as const]();', store],
    [plans, 'export const a = (q: any) => q[("selectFrom")]();', store],
    [plans, 'export const a = (q: any) => Reflect.get(q, "selectFrom");', store],
    [plans, 'const m = "selectFrom";\nexport const a = (q: any) => q[m]();', store],
    [plans, "export const a = ({ [`insertInto`]: b }: any) => b;", store],
    [plans, "export const a = (globalThis as any).globalThis.process.env;", environment],
    [plans, 'export const a = new Function("return process.env")();', "nothing loads code"],
    [plans, 'export const a = (() => 0).constructor("return 1")();', "nothing loads code"],
    [plans, 'import { run } from "node:test";', "start processes"],
    [plans, 'import { Session } from "node:inspector/promises";', "nothing loads code"],
    [plans, 'import { a } from "cross-spawn/index.js";', "start processes"],
    [plans, 'import { a } from "@modelcontextprotocol/client/stdio";', "start processes"],
    [plans, 'import { a } from "DATA:text/javascript,0";', "name the file by a relative path"],
    [plans, 'import { a } from "\\tfile:///a.ts";', "name the file by a relative path"],
    [plans, 'export const a = new URL("../access/rules.ts", import.meta.url);', otherFeature],
    ["apps/web/src/ui/a.ts", 'export const a = import.meta.glob("../features/**/*.ts");', "cannot be told"],
    [
      "apps/web/src/ui/a.ts",
      'export const a = new Worker(new URL("../api.ts", import.meta.url));',
      "the kit knows",
    ],
    // What cannot be told.
    [plans, "export const a = (path: string) => import(path);", "cannot be told"],
    [plans, 'export const a = require("node:child_process");', "require is not looked into"],
    [plans, 'import { createRequire } from "node:module";', "nothing loads code"],
    [plans, 'import { a } from "/etc/a.ts";', "name the file by a relative path"],
    [plans, 'import { a } from "data:text/javascript,0";', "name the file by a relative path"],
    [plans, 'import { a } from "#a";', "name the file by a relative path"],
    [plans, 'import { a } from "../../mount";', "there is no file"],
    [plans, "import {", "cannot be read"],
    ["apps/other/src/a.ts", "export const a = 1;", "no import rule knows this folder"],
  ])("%s may not: %s", (path, source, rule) => {
    expect(said(path, source).join("\n")).toContain(rule);
  });

  it.each([
    [plans, 'import type { Snapshot } from "../../domain/snapshot.ts";'],
    [plans, 'import { Refusal } from "../../errors.ts";\nimport * as store from "./store.ts";'],
    [plans, "export const a = { process: 1, selectFrom: 2 };\nexport const b = process.pid;"],
    [
      `${server}/features/plans/store.ts`,
      'import { sql } from "kysely";\nexport const a = (q: any) => q.selectFrom("plans");',
    ],
    [`${server}/features/servers/transports/child.ts`, 'import { spawn } from "node:child_process";'],
    [`${server}/app.ts`, 'import { createPlans } from "./features/plans/index.ts";'],
    [`${server}/config.ts`, "export const a = process.env.HOME;"],
    ["apps/web/src/ui/a.ts", 'import { codeOf } from "../problems.ts";'],
  ])("%s may: %s", (path, source) => {
    expect(said(path, source)).toEqual([]);
  });
});

/** What the linter says of one file, at its place in a tree of its own. */
async function lint(path: string, source: string): Promise<string> {
  const folder = await temporaryFolder();
  copyFileSync(join(root, ".oxlintrc.json"), join(folder, ".oxlintrc.json"));
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), source);
  const { stdout } = spawnSync(join(root, "node_modules/.bin/oxlint"), ["--format=unix", path], {
    cwd: folder,
    encoding: "utf8",
  });
  return stdout;
}

describe("the linter", () => {
  it.each([
    ["apps/web/src/features/audit/a.tsx", "export const A = () => <p>Not translated</p>;", "jsx-no-literals"],
    [
      "apps/web/src/features/audit/a.tsx",
      'export const A = () => <input placeholder="Not translated" />;',
      "jsx-no-literals",
    ],
  ])("%s: %s", async (path, source, rule) => {
    expect(await lint(path, source)).toContain(rule);
  });

  it("finds two files that import each other", async () => {
    const folder = await temporaryFolder();
    copyFileSync(join(root, ".oxlintrc.json"), join(folder, ".oxlintrc.json"));
    writeFileSync(join(folder, "a.ts"), 'import { b } from "./b.ts";\nexport const a = (): number => b();');
    writeFileSync(join(folder, "b.ts"), 'import { a } from "./a.ts";\nexport const b = (): number => a();');
    const { stdout } = spawnSync(join(root, "node_modules/.bin/oxlint"), ["--format=unix"], {
      cwd: folder,
      encoding: "utf8",
    });
    expect(stdout).toContain("no-cycle");
  });
});
