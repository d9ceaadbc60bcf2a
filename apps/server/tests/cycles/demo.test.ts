import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import type { CycleDetail } from "@ciclo/contract";
import { replayCycle, serveReplay } from "../../src/demo/index.ts";
import { ensureBubblewrap } from "../support/bubblewrap.ts";
import { ciclo } from "../support/cli.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/temporary.ts";

const patience = 600_000;

it(
  "the replay of a cycle ends with a merge whose manifest holds, is labelled everywhere, and says what each part cost",
  async () => {
    ensureBubblewrap();
    const folder = join(await temporaryFolder(), "demo");
    const { code, out, err } = await ciclo("cycle", "demo", "--folder", folder, "--json");
    expect([code, err]).toEqual([0, ""]);
    const { cycle, kept, verified } = JSON.parse(out) as {
      cycle: CycleDetail;
      kept: { manifest: string; key: string; repository: string };
      verified: string;
    };
    expect(cycle).toMatchObject({ state: "completed", replay: true, head_commit: verified, tries: 2 });
    const git = (...args: string[]): string =>
      spawnSync("git", ["--git-dir", kept.repository, ...args], { encoding: "utf8" }).stdout;
    expect(git("rev-parse", "main").trim()).toBe(verified);

    // The agent said of its first try that all is well; the gates did not believe it.
    const executions = cycle.artifacts.flatMap((one) => (one.kind === "execution" ? [one.content] : []));
    const checks = cycle.artifacts.flatMap((one) => (one.kind === "check" ? [one.content] : []));
    expect(executions[0]?.claims).toContain("all tests are green");
    expect(checks.map(({ problems }) => problems.length > 0)).toEqual([true, false]);
    expect(checks[1]?.tests?.fresh.map(({ on_base: how }) => how)).toEqual(["assertion", "assertion"]);
    expect(
      executions.map(({ permissions }) => permissions.every(({ answer }) => answer === "allowed")),
    ).toEqual([true, true]);

    // The parts come to what the ledger has of the executor, to the token.
    const executor = cycle.cost.phases.find(({ phase }) => phase === "executor");
    const sum = (field: "calls" | "input_tokens" | "output_tokens" | "usd"): number =>
      cycle.part_costs.reduce((total, part) => total + part[field], 0);
    expect(cycle.part_costs.map(({ item, turns }) => [item, turns])).toEqual([
      ["1", 1],
      ["2", 1],
      [null, 1],
    ]);
    for (const field of ["calls", "input_tokens", "output_tokens"] as const)
      expect(sum(field)).toBe(executor?.[field]);
    expect(sum("usd")).toBeCloseTo(executor?.usd ?? 0, 9);
    expect(cycle.cost.unknown_calls).toBe(0);

    // Each gate was recorded, and the new tests on the old code too, where they were red.
    const recorded = cycle.evidence.filter(({ media_type: type }) => type === "application/x-asciicast");
    const names = ["lint-base", "lint-head", "test-base", "test-head", "test-red"];
    expect(recorded.map(({ name }) => name).toSorted()).toEqual(
      names.flatMap((name) => [`${name}.cast`, `${name}.cast`]),
    );
    const known = new Set(recorded.map(({ sha256 }) => sha256));
    for (const { gates, red_run: red } of checks)
      for (const hash of [...gates.map(({ recording }) => recording), red?.recording])
        expect(known.has(hash ?? "")).toBe(true);

    const files = git("ls-tree", "-r", "--name-only", "main")
      .split("\n")
      .filter((path) => path.startsWith(`docs/cycles/${cycle.id}/`) && path.endsWith(".md"));
    expect(files.length).toBeGreaterThan(5);
    for (const path of files) expect(git("show", `main:${path}`)).toMatch(/^> \*\*Replay\*\*/);
    expect(git("show", `main:docs/cycles/${cycle.id}/costs.md`)).toContain(
      "| Mending what the gates found | 3 |",
    );
    const { out: shown } = await ciclo("cycle", "verify", kept.manifest, "--key", kept.key);
    expect(shown).toContain("Replay: prepared replies stand in for the models");

    // What it leaves is nobody's to write into again.
    const again = await ciclo("cycle", "demo", "--folder", folder);
    expect([again.code, again.err]).toEqual([2, expect.stringContaining("is not empty")]);
  },
  patience,
);

it(
  "the replay tells its story, and leaves nothing where no folder is named",
  async () => {
    ensureBubblewrap();
    const temporary = await temporaryFolder();
    const before = readdirSync(temporary);
    const { code, out } = await ciclo("cycle", "demo");
    expect(code).toBe(0);
    expect(out.split("\n")[0]).toMatch(/^Replay: /);
    for (const step of [
      "Bento sends back the plan",
      "the gates refuse it",
      "red by assertion before, green now: takes a coupon off once [T1]",
      "The manifest holds for commit",
    ])
      expect(out).toContain(step);
    expect(readdirSync(temporary)).toEqual(before);
  },
  patience,
);

it(
  "the replay can be watched in the browser, in Portuguese, by whoever decides there",
  async () => {
    ensureBubblewrap();
    const folder = join(await temporaryFolder(), "demo");
    mkdirSync(folder);
    const until = new AbortController();
    const said: string[] = [];
    const serving = serveReplay({
      locale: "pt-BR",
      folder,
      say: (step) => said.push(step),
      signal: until.signal,
    });
    const link = await eventually(
      () => Promise.resolve(/http:\S+\/sign-in#\S+/.exec(said.join("\n"))?.[0] ?? null),
      (found) => found !== null,
    );
    const { origin } = new URL(link ?? "");
    const page = await fetch(`${origin}/sign-in`, { headers: { accept: "text/html" } });
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(said.join("\n")).toContain(`${origin}/cycles/cupons-sao-descontados`);
    until.abort();
    await serving;
  },
  patience,
);

it(
  "a replay that is ended early, whenever that is, leaves nothing running and nothing behind",
  async () => {
    ensureBubblewrap();
    const folders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith("ciclo-replay-"));
    const before = new Set(folders());
    for (const after of ["at once", "Rita starts", "An agent works"]) {
      const until = new AbortController();
      const say = (step: string): void => {
        if (step.startsWith(after)) until.abort(new Error("ended"));
      };
      if (after === "at once") until.abort(new Error("ended"));
      await expect(replayCycle({ locale: "en", say, signal: until.signal })).rejects.toThrow("ended");
      expect(folders().filter((name) => !before.has(name))).toEqual([]);
    }
    const until = new AbortController();
    until.abort(new Error("ended"));
    await expect(serveReplay({ locale: "en", say: () => {}, signal: until.signal })).rejects.toThrow("ended");
  },
  patience,
);

it("a folder that cannot be used is said in one line", async () => {
  const folder = await temporaryFolder();
  writeFileSync(join(folder, "file"), "");
  for (const path of ["file", "file/demo", "none/demo"]) {
    const { code, err } = await ciclo("cycle", "demo", "--folder", join(folder, path));
    expect([code, err.trim().split("\n")]).toEqual([
      2,
      [expect.stringContaining("name a folder that you may write to")],
    ]);
  }
});

it("without git nothing is begun, and the command ends", async () => {
  const bin = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
  const empty = await temporaryFolder();
  const { status, stderr } = spawnSync(process.execPath, [bin, "cycle", "demo"], {
    encoding: "utf8",
    env: { PATH: empty, HOME: empty },
    timeout: 60_000,
  });
  expect([status, stderr.trim()]).toEqual([2, "git is not installed, or not on the PATH"]);
});
