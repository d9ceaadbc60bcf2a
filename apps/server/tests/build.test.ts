import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "./support/temporary.ts";

const project = fileURLToPath(new URL("../../..", import.meta.url));
const anHourAgo = Date.now() / 1000 - 4000;

describe("the build of the server", () => {
  let root: string;
  let builds: string;
  beforeAll(async () => {
    root = await temporaryFolder();
    builds = join(root, "apps/server/dist");
    const parts = ["src", "bin", "package.json", "rolldown.config.mjs"].map((name) => `apps/server/${name}`);
    for (const part of [...parts, "scripts", "packages/contract", "package-lock.json"]) {
      cpSync(join(project, part), join(root, part), { recursive: true });
    }
    // npm leaves some packages beside the server, not at the root.
    for (const folder of ["node_modules", "apps/server/node_modules"]) {
      if (existsSync(join(project, folder))) symlinkSync(join(project, folder), join(root, folder));
    }
  });

  const ciclo = (): string[] => [join(root, "apps/server/bin/ciclo.mjs"), "--version"];
  const run = () => spawnSync(process.execPath, ciclo(), { encoding: "utf8" });

  /** A build that is not of these sources, an hour old. */
  function oldBuild(name: string): string {
    const folder = join(builds, name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "main.js"), "setInterval(() => {}, 1000); console.log('up')");
    utimesSync(folder, anHourAgo, anHourAgo);
    return folder;
  }

  it("is made by whoever needs it first, also by several at once", async () => {
    const several = Array.from({ length: 3 }, async () => {
      const child = spawn(process.execPath, ciclo(), { stdio: ["ignore", "pipe", "pipe"] });
      return Promise.all([text(child.stdout), text(child.stderr)]);
    });
    expect(await Promise.all(several)).toEqual(several.map(() => ["0.1.0\n", ""]));
    expect(readdirSync(builds)).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);
  });

  it("is mended where a part is gone, and passes over a link that leads nowhere", () => {
    symlinkSync("nowhere", join(root, "apps/server/src/.#users.ts"));
    const [build = ""] = readdirSync(builds);
    rmSync(join(builds, build, "cli.js"));
    expect(run()).toMatchObject({ status: 0, stdout: "0.1.0\n", stderr: "" });
    expect(readdirSync(builds)).toEqual([build]);
  });

  it("stays as long as a console runs from it; of the others the oldest go", async () => {
    const used = oldBuild("0000000000000000");
    const console = spawn(process.execPath, [join(used, "main.js")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await once(console.stdout, "data");
      const others = ["1", "2", "3", "4.4711"].map((name) => basename(oldBuild(name)));
      writeFileSync(join(root, "apps/server/src/another.ts"), "export {};\n");
      expect(run()).toMatchObject({ status: 0, stdout: "0.1.0\n" });
      expect(existsSync(used)).toBe(true);
      expect(others.filter((name) => existsSync(join(builds, name))).length).toBeLessThan(others.length);
    } finally {
      console.kill("SIGKILL");
    }
  });

  it("that fails says where, and leaves nothing", () => {
    writeFileSync(join(root, "apps/server/src/cli/main.ts"), 'import "no-such-package";\n');
    const { status, stderr } = run();
    expect(status).toBe(1);
    expect(stderr).toContain("no-such-package");
    expect(stderr).toMatch(/\nThe server could not be built in \S+: see above\.\n$/);
    expect(readdirSync(builds).filter((name) => /^[0-9a-f]{16}\.\d+$/.test(name))).toEqual([]);
  });

  it("says what to run where nothing is installed", () => {
    rmSync(join(root, "node_modules"));
    const { status, stderr } = run();
    expect([status, stderr]).toEqual([
      1,
      "Nothing is installed here yet. Run npm start, which does it, or npm ci.\n",
    ]);
  });
});
