import { type CycleRecipe, cycleRecipeSchema, type Text, text } from "@ciclo/contract";
import { parse, YAMLParseError } from "yaml";
import { z } from "zod";
import { parseJson } from "../../../lib/parse-json.ts";

export const recipePath = ".ciclo/cycle.yaml";

/** How a repository is checked: as it says itself, or as can be told from its files, which a person then confirms. */
export type Found =
  | FoundRecipe
  /** What is wrong with the file, or that nothing is known. */
  | { from: "nowhere"; why: Text };

/** The same as it is kept with a cycle. */
export const foundRecipeSchema = z.strictObject({
  from: z.enum(["declared", "detected"]),
  recipe: cycleRecipeSchema,
});
export type FoundRecipe = z.infer<typeof foundRecipeSchema>;

/** Files of a repository at one commit; null where there is none. */
export type ReadFile = (path: string) => string | null;

/** Finds how a repository is checked. `paths` are all of its files. Pure. */
export function findRecipe(paths: readonly string[], read: ReadFile): Found {
  const declared = read(recipePath);
  if (declared !== null) return declaredIn(declared);
  const has = new Set(paths);
  for (const detect of [npm, cargo, go, maven, python]) {
    const recipe = detect(has, read);
    if (recipe !== null) return { from: "detected", recipe: { version: 1, ...recipe } };
  }
  return { from: "nowhere", why: nothingFound };
}

const nothingFound = text(
  `No tests were found: write how the repository is built and tested to ${recipePath}`,
  `Nenhum teste foi encontrado: escreva em ${recipePath} como o repositório é compilado e testado`,
);

function declaredIn(source: string): Found {
  let said: unknown;
  try {
    said = parse(source);
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    const line = error.linePos?.[0].line ?? 1;
    return unusable(`line ${line}: no YAML`, `linha ${line}: não é YAML`);
  }
  const recipe = cycleRecipeSchema.safeParse(said);
  if (recipe.success) return { from: "declared", recipe: recipe.data };
  const [issue] = recipe.error.issues;
  const where = `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`;
  return unusable(where, where);
}

const unusable = (en: string, pt: string): Found => ({
  from: "nowhere",
  why: text(`${recipePath} cannot be used: ${en}`, `${recipePath} não pode ser usado: ${pt}`),
});

type Commands = Omit<CycleRecipe, "version">;
type Detect = (has: ReadonlySet<string>, read: ReadFile) => Commands | null;

const packageSchema = z.object({
  scripts: z.record(z.string(), z.string()).optional(),
  packageManager: z.string().optional(),
});

const installs: readonly (readonly [lock: string, command: string])[] = [
  ["package-lock.json", "npm ci"],
  ["npm-shrinkwrap.json", "npm ci"],
  ["pnpm-lock.yaml", "pnpm install --frozen-lockfile"],
  ["yarn.lock", "yarn install --immutable"],
];

/** What npm writes where nobody has written a test. */
const noTest = /no test specified/;

/** The scripts themselves, not by `npm test`: that would run what stands before and after them, too. */
const npm: Detect = (has, read) => {
  const manifest = packageSchema.safeParse(parseJson(read("package.json") ?? ""));
  const scripts = manifest.data?.scripts ?? {};
  const { test, build, lint } = scripts;
  if (test === undefined || noTest.test(test)) return null;
  const install = installs.find(([lock]) => has.has(lock))?.[1] ?? "npm install --no-package-lock";
  return {
    setup: install,
    ...(build === undefined ? {} : { build }),
    ...(lint === undefined ? {} : { lint }),
    test,
    allow_hosts: ["registry.npmjs.org"],
  };
};

const cargo: Detect = (has) =>
  has.has("Cargo.toml")
    ? {
        setup: has.has("Cargo.lock") ? "cargo fetch --locked" : "cargo fetch",
        build: "cargo build --offline",
        test: "cargo test --offline",
        allow_hosts: ["index.crates.io", "static.crates.io"],
      }
    : null;

const go: Detect = (has) =>
  has.has("go.mod")
    ? {
        setup: "go mod download",
        build: "go build ./...",
        lint: "go vet ./...",
        test: "go test ./...",
        allow_hosts: ["proxy.golang.org", "sum.golang.org"],
      }
    : null;

const maven: Detect = (has) => {
  if (!has.has("pom.xml")) return null;
  const mvn = has.has("mvnw") ? "./mvnw" : "mvn";
  return {
    setup: `${mvn} -B -q dependency:go-offline`,
    build: `${mvn} -B -q -o test-compile`,
    test: `${mvn} -B -o test`,
    allow_hosts: ["repo.maven.apache.org"],
  };
};

const requirements = ["requirements.txt", "requirements-dev.txt", "requirements/test.txt"];

const python: Detect = (has) => {
  const isProject = has.has("pyproject.toml") || has.has("setup.py") || has.has("setup.cfg");
  const isTested = [...has].some((path) => /(?:^|\/)(?:test_[^/]*|[^/]*_test)\.py$/.test(path));
  if (!isTested) return null;
  const wanted = requirements.filter((path) => has.has(path)).map((path) => `-r ${path}`);
  const installed = [...(isProject ? ["-e ."] : []), ...wanted, "pytest"].join(" ");
  return {
    setup: `python3 -m venv .venv && .venv/bin/pip install ${installed}`,
    test: ".venv/bin/python -m pytest",
    allow_hosts: ["pypi.org", "files.pythonhosted.org"],
  };
};
