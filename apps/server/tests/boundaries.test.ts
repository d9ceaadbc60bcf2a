import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "./support/temporary.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

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

/** The rules of docs/ARCHITECTURE.md: a rule that no file can break would check nothing. */
describe("the import rules", () => {
  const server = "apps/server/src";
  it.each([
    [
      "packages/contract/src/a.ts",
      'import { Hono } from "hono";\nexport const a = Hono;',
      "no-restricted-imports",
    ],
    [
      `${server}/cli/remote.ts`,
      'import { createApp } from "../app.ts";\nexport const a = createApp;',
      "no-restricted-imports",
    ],
    [
      `${server}/lib/a.ts`,
      'import { b } from "../features/access/rules.ts";\nexport const a = b;',
      "no-restricted-imports",
    ],
    [
      `${server}/db/a.ts`,
      'import { b } from "../features/access/rules.ts";\nexport const a = b;',
      "no-restricted-imports",
    ],
    [
      `${server}/features/plans/routes.ts`,
      'import { b } from "./store.ts";\nexport const a = b;',
      "no-restricted-imports",
    ],
    [
      `${server}/features/plans/service.ts`,
      'import { b } from "../access/users.ts";\nexport const a = b;',
      "no-restricted-imports",
    ],
    [
      `${server}/features/changes/forge/a.ts`,
      'import { b } from "../../plans/draft.ts";\nexport const a = b;',
      "no-restricted-imports",
    ],
    [
      `${server}/features/plans/service.ts`,
      'import { sql } from "kysely";\nexport const a = sql;',
      "no-restricted-imports",
    ],
    [
      `${server}/features/plans/service.ts`,
      'import { spawn } from "node:child_process";\nexport const a = spawn;',
      "no-restricted-imports",
    ],
    [`${server}/features/plans/service.ts`, "export const a = process.env.HOME;", "no-process-env"],
    [
      "apps/web/src/features/audit/a.ts",
      'import { b } from "../../../../server/src/features/audit/service.ts";\nexport const a = b;',
      "no-restricted-imports",
    ],
    [
      "apps/web/src/features/audit/a.ts",
      'import { PlanExecutor } from "@ciclo/server";\nexport const a = PlanExecutor;',
      "no-restricted-imports",
    ],
    [
      "apps/web/src/ui/a.ts",
      'import { b } from "../features/audit/queries.ts";\nexport const a = b;',
      "no-restricted-imports",
    ],
    ["apps/web/src/features/audit/a.tsx", "export const A = () => <p>Not translated</p>;", "jsx-no-literals"],
    [
      "apps/web/src/features/audit/a.tsx",
      'export const A = () => <input placeholder="Not translated" />;',
      "jsx-no-literals",
    ],
  ])("%s: %s", async (path, source, rule) => {
    expect(await lint(path, source)).toContain(rule);
  });

  it("find two files that import each other", async () => {
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

  it("let types of another feature through, and everything where it belongs", async () => {
    const type = 'import type { B } from "../config-repo/snapshot.ts";\nexport type A = B;';
    expect(await lint(`${server}/features/plans/service.ts`, type)).not.toContain("no-restricted-imports");
    const query = 'import { sql } from "kysely";\nexport const a = sql;';
    expect(await lint(`${server}/features/plans/store.ts`, query)).not.toContain("no-restricted-imports");
  });
});
