import { posix } from "node:path";

/** What a change does to one file. Lines are counted from 1, removed ones in the file as it was. */
export type ChangedFile = {
  path: string;
  /** Where it was; null where it is new. */
  before: string | null;
  isDeleted: boolean;
  added: readonly ChangedLine[];
  removed: readonly ChangedLine[];
};

export type ChangedLine = { line: number; text: string };

/**
 * What a change does that makes checks say less, and that a person therefore has to agree to: a test deleted or switched off,
 * an assertion of a test that was there changed or taken out, a check silenced at one place, or its configuration changed.
 */
export type GuardFinding = {
  kind: "test_deleted" | "test_disabled" | "assertion_changed" | "check_silenced" | "checks_changed";
  path: string;
  /** Where it is; null where it is the whole file. */
  line: number | null;
  /** The line as it is, or was. */
  text: string | null;
};

/** All that a person has to agree to in a change. Pure. */
export const guard = (files: readonly ChangedFile[]): GuardFinding[] => files.flatMap(findingsIn);

function findingsIn(file: ChangedFile): GuardFinding[] {
  const { path, before, isDeleted, added, removed } = file;
  const of = (kind: GuardFinding["kind"], lines: readonly ChangedLine[]): GuardFinding[] =>
    lines.map(({ line, text }) => ({ kind, path, line, text: text.trim().slice(0, longestShown) }));
  const whole = (kind: GuardFinding["kind"]): GuardFinding => ({ kind, path, line: null, text: null });
  const was = before ?? path;
  if (isChecksFile(path) || isChecksFile(was)) return [whole("checks_changed")];
  if (/(?:^|\/)package\.json$/.test(path)) {
    const lines = [...added, ...removed].filter(({ text }) => checkMembers.test(text));
    if (lines.length > 0) return of("checks_changed", lines);
  }
  const isTest = isTestFile(path) || isTestFile(was);
  if (isDeleted) return isTest ? [whole("test_deleted")] : [];
  const silenced = of(
    "check_silenced",
    added.filter(({ text }) => silencers.some((one) => one.test(text))),
  );
  if (!isTest) return silenced;
  // A test that moves to where no runner looks for it is gone.
  const isHidden = before !== null && !isTestFile(path);
  const disabled = added.filter(({ text }) => switches.some((one) => one.test(text)));
  const asserted = removed.filter(({ text }) => isSnapshot(was) || assertions.some((one) => one.test(text)));
  return [
    ...(isHidden ? [whole("test_deleted")] : []),
    ...of("test_disabled", disabled),
    ...of("assertion_changed", before === null ? [] : asserted.filter(({ text }) => !isMoved(text, added))),
    ...silenced,
  ];
}

const longestShown = 300;
/** Members of `package.json` that say what a check runs, or how tests find the code. */
const checkMembers =
  /"(?:scripts|(?:pre|post)?(?:test|lint|build|check|ci|typecheck|prepare|install)[\w:-]*|jest|mocha|vitest|ava|tap|nyc|c8|eslintConfig|xo|main|type|imports|exports|overrides|resolutions|workspaces)"\s*:/;

/** Whether a line that was taken out stands elsewhere in the file now, however it is indented. */
const isMoved = (text: string, added: readonly ChangedLine[]): boolean =>
  added.some((line) => line.text.trim() === text.trim());

const isSnapshot = (path: string): boolean =>
  /\.(?:snap|ambr)$/.test(path) || /(?:^|\/)__snapshots__\//.test(path);

/** Files that the runners of many languages take for tests, and what those compare with. */
const testFiles: readonly RegExp[] = [
  /(?:^|\/)(?:__tests__|tests?|specs?|e2e)\//i,
  /[._-](?:test|spec|cy)\.[cm]?[jt]sx?$/i,
  /(?:^|\/)test\.[cm]?[jt]sx?$/i,
  /(?:^|\/)(?:test_[^/]*|[^/]*_test|conftest)\.py$/,
  /_test\.go$/,
  /(?:^|\/)src\/test\//,
  /(?:^|\/)[^/]*(?:Test|Tests|IT)\.(?:java|kt)$/,
  /_(?:test|spec)\.rb$/,
];

export const isTestFile = (path: string): boolean =>
  isSnapshot(path) || testFiles.some((pattern) => pattern.test(path));

/** What switches tests off, or all others: seen in the sources, since some runners report it nowhere. */
const switches: readonly RegExp[] = [
  // JavaScript and TypeScript
  /\b(?:it|test|describe|suite|context|specify|bench|t|tape)\s*(?:\.\s*\w+\s*)*\.\s*(?:skip|skipIf|runIf|todo|only|fails|failing)\b/,
  /(?<![\w.])(?:xit|xtest|xdescribe|xcontext|xspecify|fit|fdescribe)\s*[(.]/,
  /\bthis\s*\.\s*skip\s*\(/,
  /[{,(]\s*["']?(?:skip|todo|only|expectFailure)["']?\s*:(?!\s*(?:false|undefined)\b)/,
  // Python
  /\b(?:pytest\s*\.\s*mark|unittest|mark)\s*\.\s*(?:skip\w*|xfail|expectedFailure)\b/,
  /\bpytest\s*\.\s*(?:skip|xfail|importorskip)\s*\(/,
  /@\s*(?:skip\w*|xfail|expectedFailure)\b/,
  /\b(?:skipTest|collect_ignore(?:_glob)?|__test__\s*=\s*False)\b/,
  // Go
  /\b[tbf]\s*\.\s*Skip(?:Now|f)?\s*\(/,
  /^\s*\/\/\s*(?:go:build|\+build)\b/,
  // Rust
  /#!?\[\s*(?:ignore\b|should_panic\b|cfg\s*\(\s*(?:any\s*\(\s*\)|not\s*\(\s*test|FALSE))/,
  // Java and Kotlin
  /@(?:Disabled|Ignore)\w*\b/,
  /\bassume(?:True|False|That|NoException|NotNull)\s*[({]/,
];

/** Lines by which tests tell right from wrong. */
const assertions: readonly RegExp[] = [
  /\bexpect\w*\s*[.(]/,
  /\bassert\w*[!\s(.]/i,
  /\bt\s*\.\s*(?:is|not|ok|notOk|true|false|truthy|falsy|equals?|notEqual|same|deep\w*|loose\w*|strict\w*|throws?\w*|rejects|match|doesNot\w*|plan|snapshot|Error\w*|Fatal\w*|Fail\w*)\s*\(/,
  /\b(?:should|verify|raises|require)\s*[.(]/,
  /^\s*#\[\s*should_panic/,
];

/** Marks that make a linter, a type checker, coverage or mutation testing look away. */
const silencers: readonly RegExp[] = [
  /\b(?:eslint|oxlint|stylelint|tslint|biome|deno-lint|prettier|rome)[-:](?:disable|ignore)/,
  /@ts-(?:ignore|expect-error|nocheck)\b/,
  /\b(?:istanbul|c8|v8)\s+ignore\b/,
  /\bnode:coverage\s+(?:disable|ignore)/,
  /\bStryker\s+disable\b/,
  /#\s*(?:noqa|type:\s*ignore|pragma:\s*no\s*(?:cover|mutate)|pylint:\s*disable|mypy:\s*ignore|nosec|ruff:\s*noqa|pyright:\s*ignore)/i,
  /\/\/\s*nolint\b/,
  /#!?\[\s*allow\s*\(/,
  /@Suppress(?:Warnings|FBWarnings)?\b/,
  /\bNOSONAR\b/,
];

/** Files that say what is checked, and how strictly. */
const checksFiles: readonly string[] = [
  ".github/workflows/**",
  ".github/actions/**",
  ".gitlab-ci.{yml,yaml}",
  ".gitlab/ci/**",
  ".circleci/**",
  ".buildkite/**",
  ".travis.yml",
  ".drone.yml",
  ".woodpecker*/**",
  "azure-pipelines*.yml",
  "bitbucket-pipelines.yml",
  "Jenkinsfile*",
  ".ciclo/**",
  ".husky/**",
  ".pre-commit-config.yaml",
  "lefthook.{yml,yaml}",
  "sonar-project.properties",
  "codecov.{yml,yaml}",
  ".codecov.{yml,yaml}",
];

/** The same, in whichever folder they are. */
const checksNames: readonly string[] = [
  ".eslintrc*",
  "eslint.config.*",
  ".eslintignore",
  ".oxlintrc*",
  "oxlint.config.*",
  "biome.json*",
  "tslint.json",
  ".prettierrc*",
  "prettier.config.*",
  ".prettierignore",
  ".stylelintrc*",
  "tsconfig*.json",
  "vitest.{config,workspace,setup}.*",
  "jest.{config,setup}.*",
  ".mocharc*",
  ".taprc",
  "ava.config.*",
  "playwright.config.*",
  "cypress.config.*",
  "karma.conf.*",
  ".c8rc*",
  ".nycrc*",
  "nyc.config.*",
  "stryker.{conf,config}.*",
  "knip.json*",
  "pytest.ini",
  ".pytest.ini",
  "tox.ini",
  "noxfile.py",
  "setup.cfg",
  ".coveragerc",
  "conftest.py",
  "ruff.toml",
  ".ruff.toml",
  ".flake8",
  ".pylintrc",
  "mypy.ini",
  ".mypy.ini",
  "pyrightconfig.json",
  "clippy.toml",
  ".clippy.toml",
  "rustfmt.toml",
  ".rustfmt.toml",
  "deny.toml",
  ".golangci.*",
  "checkstyle*.xml",
  "spotbugs*.xml",
  "pmd*.xml",
  "detekt*.yml",
  "junit-platform.properties",
  "vite.config.*",
  "pyproject.toml",
  "setup.py",
  "[Mm]akefile",
  "GNUmakefile",
  "*.mk",
  "justfile",
  "Justfile",
  "Taskfile*",
  ".npmrc",
  ".yarnrc*",
  "pom.xml",
  "build.gradle*",
  "settings.gradle*",
  "Cargo.toml",
  "build.rs",
  "babel.config.*",
  ".babelrc*",
  "gulpfile.*",
  "Gruntfile.*",
];

/** Whether a file says what is checked. What `package.json` and its like say of that is told by their members. */
export const isChecksFile = (path: string): boolean =>
  checksFiles.some((pattern) => posix.matchesGlob(path, pattern)) ||
  checksNames.some((pattern) => posix.matchesGlob(posix.basename(path), pattern));
