import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { policyFileSchema } from "@ciclo/contract";
import { parse } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requirements } from "../../../docs/requirements.ts";
import { readConfig } from "../src/config.ts";
import { ensureBubblewrap } from "./support/bubblewrap.ts";
import { isThorough } from "./support/extent.ts";
import { type ServerProcess, startProcess } from "./support/process.ts";
import { temporaryFolder } from "./support/temporary.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** A command block of a document, with the output that the document shows for it. */
type Block = { line: number; script: string; output: string | null };

/** ```bash blocks, each with the ```text block right behind it. */
function blocksOf(markdown: string): Block[] {
  const pattern = /^```bash\n([\s\S]*?)^```\n(?:```text\n([\s\S]*?)^```\n)?/gm;
  return [...markdown.matchAll(pattern)].map((match) => ({
    line: markdown.slice(0, match.index).split("\n").length,
    script: match[1] ?? "",
    output: match[2] ?? null,
  }));
}

/** Whether a line is as shown: `…` stands for characters, and more may follow. */
function isLike(shown: string, line: string): boolean {
  const [start = "", ...parts] = shown.split("…");
  if (!line.startsWith(start)) return false;
  let at = start.length;
  return parts.every((part) => {
    const found = line.indexOf(part, at);
    at = found + part.length;
    return found >= 0;
  });
}

/** Whether what was printed is what is shown: `…` alone on a line stands for lines, within one for characters. */
function shows(expected: string, printed: string): boolean {
  const lines = printed.trimEnd().split("\n");
  const runs = expected.trimEnd().split(/^…$\n?/m);
  let at = 0;
  return runs.every((run, index) => {
    const shown = run === "" ? [] : run.trimEnd().split("\n");
    const last = index === 0 ? 0 : lines.length - shown.length;
    while (at <= last && !shown.every((line, next) => isLike(line, lines[at + next] ?? ""))) at += 1;
    const isThere = at <= last && at + shown.length <= lines.length;
    at += shown.length;
    return isThere;
  });
}

/** Runs all blocks of a document in one shell, as a reader would. Returns what each printed. */
async function runBlocks(
  blocks: readonly Block[],
  environment: Record<string, string>,
  folder: string,
): Promise<string[]> {
  const mark = "=====end of block=====";
  const script = blocks.map((block) => `${block.script}\necho '${mark}'\n`).join("");
  const shell = spawn("bash", ["-e", "-o", "pipefail"], {
    cwd: folder,
    env: { ...process.env, ...environment, PATH: `${root}node_modules/.bin:${process.env.PATH}` },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let printed = "";
  shell.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  shell.stderr.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  shell.stdin.end(`npx() { "$@"; }\n${script}`);
  const [code] = (await once(shell, "close")) as [number];
  expect(code, printed).toBe(0);
  return printed.split(`${mark}\n`);
}

const run = ["README.md", "docs/admin-chat-quickstart.md", ...(isThorough ? ["README.pt-BR.md"] : [])];

describe.concurrent.each(run)("%s", (path) => {
  let server: ServerProcess;
  let environment: Record<string, string>;
  let folder: string;

  beforeAll(async () => {
    ensureBubblewrap();
    folder = await temporaryFolder();
    environment = { CICLO_HOME: await temporaryFolder(), LANGUAGE: "en" };
    server = await startProcess(environment);
    environment.CICLO_URL = server.url;
  });
  afterAll(() => server.stop());

  it("does what it says", { timeout: 600_000 }, async () => {
    const blocks = blocksOf(readFileSync(`${root}${path}`, "utf8"));
    expect(blocks.length).toBeGreaterThan(4);
    const printed = await runBlocks(blocks, environment, folder);
    blocks.forEach((block, index) => {
      if (block.output === null) return;
      const actual = printed[index] ?? "";
      expect(
        shows(block.output, actual),
        `${path}:${block.line} printed\n${actual}\nnot\n${block.output}`,
      ).toBe(true);
    });
  });
});

describe("the READMEs", () => {
  /** Commands without what is said in words: comments, texts in quotes, and the language of the answers. */
  const commandsOf = (path: string): string[] =>
    blocksOf(readFileSync(`${root}${path}`, "utf8"))
      .flatMap(({ script }) => script.split("\n"))
      .map((line) => line.replaceAll(/"[^"]*"|'[^']*'|#.*$/g, "").trim())
      .filter((line) => line !== "" && !line.startsWith("export LANGUAGE="));

  // Both are run where more is tried.
  it("have the same commands in both languages", () => {
    expect(commandsOf("README.pt-BR.md")).toEqual(commandsOf("README.md"));
  });
});

describe("docs/configuration.md", () => {
  const contents = readFileSync(`${root}docs/configuration.md`, "utf8");

  it("has commands whose settings the console takes", () => {
    const [block] = blocksOf(contents);
    const printed = execFileSync("bash", ["-ec", `${block?.script}env`], { encoding: "utf8" });
    const lines = printed.split("\n").filter((line) => /^(CICLO|NPM)_/.test(line));
    const environment = Object.fromEntries(lines.map((line) => line.split("=", 2) as [string, string]));
    expect(environment["NPM_CONFIG_GLOBALCONFIG"]).toMatch(/npmrc$/);
    expect(environment["CICLO_PASS_ENV"]).toContain("HTTPS_PROXY");
    expect(readConfig(environment).sandbox).toBe("auto");
  });

  it("has policies that fit their schemas", () => {
    const [access, commands] = [...contents.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(
      ([, sample = ""]) => sample,
    );
    const read = (kind: string, sample = "") =>
      policyFileSchema.parse({ id: kind, kind, title: kind, ...(parse(sample) as object) });
    expect(read("access", access)).toMatchObject({
      rules: [{ resources: ["docs://public/*"], methods: [] }],
    });
    expect(read("commands", commands)).toMatchObject({
      allow: [{ env: ["GITHUB_PERSONAL_ACCESS_TOKEN"] }, { handshake: "after_approval" }],
    });
  });
});

describe("the guide and the READMEs", () => {
  it.each([
    "docs/guide.md",
    "docs/guia.pt-BR.md",
    "docs/configuration.md",
    "docs/ARCHITECTURE.md",
    "docs/reliability.md",
    "docs/security.md",
  ])("%s is there", (path) => {
    expect(readFileSync(`${root}${path}`, "utf8").length).toBeGreaterThan(500);
  });

  it("keeps the architecture under 150 lines", () => {
    expect(readFileSync(`${root}docs/ARCHITECTURE.md`, "utf8").split("\n").length).toBeLessThan(150);
  });

  const expectTest = (place: string): void => {
    const [file = "", title = ""] = place.split(" › ");
    const path = file.startsWith("web/")
      ? file.replace("web/", "apps/web/tests/")
      : `apps/server/tests/${file}`;
    const source = readFileSync(`${root}${path}`, "utf8").replaceAll(/\s+/g, " ");
    expect(source.includes(title), place).toBe(true);
  };

  it.each(requirements)("shows by a test: $asked", ({ shownBy }) => {
    for (const place of shownBy) expectTest(place);
    expect(shownBy).not.toEqual([]);
  });

  it("shows each line of the trust model by a test, in both languages the same", () => {
    const placesIn = (path: string): string[] =>
      [...readFileSync(`${root}${path}`, "utf8").matchAll(/`([^`]+\.test\.ts › [^`]+)`/g)].map(
        ([, place = ""]) => place,
      );
    const places = placesIn("docs/security.md");
    expect(places.length).toBeGreaterThan(50);
    for (const place of places) expectTest(place);
    expect(placesIn("docs/seguranca.pt-BR.md")).toEqual(places);
  });

  it("links only to files that are there", () => {
    for (const path of [
      "README.md",
      "README.pt-BR.md",
      "docs/ARCHITECTURE.md",
      "docs/reliability.md",
      "docs/security.md",
      "docs/seguranca.pt-BR.md",
    ]) {
      const folder = path.includes("/") ? `${root}docs/` : root;
      const links = [...readFileSync(`${root}${path}`, "utf8").matchAll(/\]\((?!http)([^)#]+)\)/g)].map(
        (match) => match[1],
      );
      for (const link of links) expect(() => readFileSync(`${folder}${link}`), link).not.toThrow(/ENOENT/);
    }
  });
});
