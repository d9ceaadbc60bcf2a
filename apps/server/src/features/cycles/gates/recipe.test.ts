import { describe, expect, it } from "vitest";
import { findRecipe } from "./recipe.ts";

const found = (files: Record<string, string>) =>
  findRecipe(Object.keys(files), (path) => files[path] ?? null);

describe("how a repository is checked", () => {
  it("is what it says itself, whatever else is there", () => {
    const declared = "version: 1\nsetup: make deps\ntest: make check\ntimeout_s: 60\n";
    expect(found({ ".ciclo/cycle.yaml": declared, "Cargo.toml": "" })).toEqual({
      from: "declared",
      recipe: { version: 1, setup: "make deps", test: "make check", timeout_s: 60 },
    });
  });

  it.each([
    ["version: 1\ntest: [", /cycle.yaml cannot be used: line \d+: no YAML/],
    ["version: 1\nsetup: make\n", /cycle.yaml cannot be used: test: /],
    ["version: 2\ntest: make\n", /cycle.yaml cannot be used: version: /],
    ["version: 1\ntest: make\nnotest: true\n", /cycle.yaml cannot be used: .*notest/],
    ["", /cycle.yaml cannot be used/],
    [`version: 1\ntest: ${"x".repeat(3000)}\n`, /cycle.yaml cannot be used: test: /],
  ])("is not guessed where it says so and cannot be read: %j", (file, why) => {
    const nowhere = found({ ".ciclo/cycle.yaml": file, "Cargo.toml": "" });
    expect(nowhere.from).toBe("nowhere");
    expect(nowhere.from === "nowhere" && nowhere.why.en).toMatch(why);
  });

  it.each<[string, Record<string, string>, object]>([
    [
      "npm's scripts themselves, with its lock",
      {
        "package.json": '{"scripts":{"pretest":"x","test":"vitest run","build":"tsc","lint":"oxlint"}}',
        "package-lock.json": "{}",
      },
      { setup: "npm ci", build: "tsc", lint: "oxlint", test: "vitest run" },
    ],
    [
      "pnpm by its lock",
      { "package.json": '{"scripts":{"test":"mocha"}}', "pnpm-lock.yaml": "" },
      { setup: "pnpm install --frozen-lockfile", test: "mocha" },
    ],
    [
      "no lock",
      { "package.json": '{"scripts":{"test":"tape"}}' },
      { setup: "npm install --no-package-lock" },
    ],
    [
      "cargo",
      { "Cargo.toml": "", "Cargo.lock": "" },
      { setup: "cargo fetch --locked", test: "cargo test --offline" },
    ],
    ["go", { "go.mod": "" }, { lint: "go vet ./...", test: "go test ./..." }],
    ["maven, by its wrapper", { "pom.xml": "", mvnw: "" }, { test: "./mvnw -B -o test" }],
    [
      "pytest",
      { "pyproject.toml": "", "tests/test_a.py": "", "requirements.txt": "" },
      {
        setup: "python3 -m venv .venv && .venv/bin/pip install -e . -r requirements.txt pytest",
        test: ".venv/bin/python -m pytest",
      },
    ],
  ])("is told from its files: %s", (_, files, recipe) => {
    expect(found(files)).toMatchObject({ from: "detected", recipe });
  });

  it.each<[string, Record<string, string>]>([
    ["nothing", {}],
    [
      "npm's own word that there is no test",
      { "package.json": '{"scripts":{"test":"echo \\"Error: no test specified\\" && exit 1"}}' },
    ],
    ["a manifest that is no JSON", { "package.json": "{" }],
    ["Python without tests", { "pyproject.toml": "", "src/latest.py": "" }],
  ])("is nowhere, with what to do: %s", (_, files) => {
    const nowhere = found(files);
    expect(nowhere.from === "nowhere" && nowhere.why["pt-BR"]).toContain(".ciclo/cycle.yaml");
  });
});
