import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { z } from "zod";
import type { ForgeConfig } from "./domain/forge.ts";
import { serverFolder } from "./lib/places.ts";

/** `CICLO_…` variables; see docs/configuration.md. The only reader of the environment. */
const port = z
  .string()
  .regex(/^\d{1,5}$/, { error: "takes a port number, 0 to 65535" })
  .transform(Number)
  .refine((value) => value <= 65535, { error: "takes a port number, 0 to 65535" });
const branch = z.string().regex(/^(?!-)[\w./-]{1,200}$/, { error: "takes a branch name" });
const masterKey = z.string().regex(/^[0-9a-fA-F]{64}$/, {
  error: "takes 64 hexadecimal characters (openssl rand -hex 32)",
});

/** Where agents write their logs. */
const agentFolders: Record<string, string> = {
  "claude-code": join(homedir(), ".claude"),
  codex: join(homedir(), ".codex"),
  "gemini-cli": join(homedir(), ".gemini"),
  "qwen-code": join(homedir(), ".qwen"),
  opencode: join(homedir(), ".local", "share", "opencode"),
  "copilot-cli": join(homedir(), ".copilot"),
};

/** Names of variables that reach servers and git. The console's own never do: they hold its keys. */
const variableNames = z
  .string()
  .transform((list) => list.split(",").map((name) => name.trim()))
  .refine((names) => names.every((name) => /^(?!CICLO_)[A-Za-z_][A-Za-z0-9_]*$/i.test(name)), {
    error: "takes names of environment variables, separated by commas, none of them CICLO_…",
  });
/** `claude-code,codex=/home/ana/.codex`: agents whose logs are read, from where they write them or from a folder. */
const agentLogs = z
  .string()
  .transform((list) =>
    list.split(",").map((part) => {
      const [agent = "", ...path] = part.trim().split("=");
      return { agent, folder: path.length === 0 ? agentFolders[agent] : path.join("=") };
    }),
  )
  .refine(
    (logs) =>
      logs.every(({ agent, folder }) => agent in agentFolders && folder !== undefined && isAbsolute(folder)),
    {
      error: `takes ${Object.keys(agentFolders).join(", ")}, separated by commas, each with =/its/folder where that is not the usual one`,
    },
  )
  .transform((logs) => logs.map(({ agent, folder }) => ({ agent, folder: folder ?? "" })));
/** `authorization=Bearer abc,x-team=core`: what a collector wants with each request. */
const headerList = z
  .string()
  .transform((list) => list.split(",").map((part) => part.trim().split(/=(.*)/s, 2)))
  .refine((pairs) => pairs.every(([name = "", value]) => /^[\w-]+$/.test(name) && value !== undefined), {
    error: "takes name=value, separated by commas",
  })
  .transform((pairs) => Object.fromEntries(pairs) as Record<string, string>);
const folders = z.string().refine((path) => path.split(delimiter).every(isAbsolute), {
  error: "takes absolute folders, separated by colons",
});

const environmentSchema = z
  .object({
    CICLO_HOME: z.string().min(1).default(join(homedir(), ".ciclo")),
    CICLO_HOST: z.string().min(1).default("127.0.0.1"),
    CICLO_PORT: port.default(8787),
    CICLO_PUBLIC_URL: z
      .url({ protocol: /^https?$/, error: "takes the http(s) URL that people reach the console at" })
      .transform((url) => new URL(url).origin)
      .optional(),
    CICLO_DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: "takes a postgres://… URL" }).optional(),
    CICLO_CONFIG_REPO: z.string().min(1).optional(),
    CICLO_CONFIG_BRANCH: branch.default("main"),
    CICLO_MASTER_KEY: masterKey.optional(),
    CICLO_MASTER_KEY_FILE: z.string().min(1).optional(),
    CICLO_FORGE: z.enum(["github", "gitlab"]).optional(),
    CICLO_FORGE_URL: z.url({ protocol: /^https?$/, error: "takes an http(s) URL" }).optional(),
    CICLO_FORGE_REPO: z
      .string()
      .regex(/^[\w.-]+(\/[\w.-]+)+$/, { error: "takes owner/name" })
      .optional(),
    CICLO_FORGE_TOKEN: z.string().min(1).optional(),
    CICLO_FORGE_WEBHOOK_SECRET: z.string().min(16, { error: "takes at least 16 characters" }).optional(),
    CICLO_SANDBOX: z
      .enum(["auto", "required", "off"], { error: "takes auto, required or off" })
      .default("auto"),
    CICLO_SERVER_PATH: folders.optional(),
    CICLO_MCP_LOGS: z
      .string()
      .min(1)
      .default(join(homedir(), ".mcp", "logs")),
    CICLO_AGENT_LOGS: agentLogs.default([]),
    CICLO_PASS_ENV: variableNames.default([]),
    CICLO_OTLP_URL: z.url({ protocol: /^https?$/, error: "takes the http(s) URL of a collector" }).optional(),
    CICLO_OTLP_HEADERS: headerList.default({}),
    CICLO_LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
    CICLO_MAX_BODY_BYTES: z.coerce
      .number()
      .int()
      .min(1024)
      .max(64 * 1024 * 1024)
      .default(5 * 1024 * 1024),
  })
  .superRefine((env, context) => {
    const needs = (
      name: "CICLO_FORGE_REPO" | "CICLO_FORGE_TOKEN" | "CICLO_CONFIG_REPO",
      by: string,
    ): void => {
      if (env[name] !== undefined) return;
      context.addIssue({ code: "custom", path: [name], message: `is required when ${by} is set` });
    };
    if (env.CICLO_FORGE === undefined) return;
    needs("CICLO_FORGE_TOKEN", "CICLO_FORGE");
    if (env.CICLO_CONFIG_REPO !== undefined) needs("CICLO_FORGE_REPO", "CICLO_FORGE with CICLO_CONFIG_REPO");
    if (env.CICLO_FORGE_REPO !== undefined) needs("CICLO_CONFIG_REPO", "CICLO_FORGE_REPO");
  });

export type Config = {
  home: string;
  host: string;
  port: number;
  /** Scheme and host that people reach the console at, where a proxy stands before it. */
  publicUrl: string | undefined;
  databaseUrl: string | undefined;
  configRepository: string | undefined;
  configBranch: string;
  masterKey: string | undefined;
  masterKeyFile: string;
  forge: ForgeConfig | undefined;
  sandbox: "auto" | "required" | "off";
  /** Where programs of stdio servers are looked for; the console's own PATH when left out. */
  serverPath: string | undefined;
  /** Whose `<server>/*.jsonl` is taken into the ledger. */
  mcpLogs: string;
  /** Agents whose own logs are taken into the ledger, and the folders where they write them. */
  agentLogs: { agent: string; folder: string }[];
  /** Where metrics and traces are sent to, and what goes with each request; null for nowhere. */
  collector: { url: string; headers: Record<string, string> } | null;
  logLevel: string;
  maxBodyBytes: number;
};

/** An unusable setting. `message` is one line that names the variable and what it takes. */
export class ConfigError extends Error {}

/** Does what a setting leads to. What fails is said in one line, with the setting. Throws `ConfigError`. */
export async function naming<T>(variable: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new ConfigError(`${variable}: ${error instanceof Error ? error.message : "cannot be opened"}`, {
      cause: error,
    });
  }
}

/** Reads the settings from the environment. Throws `ConfigError` for an invalid one. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const parsed = environmentSchema.safeParse(set);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new ConfigError(`${issue?.path.join(".")}: ${issue?.message}`);
  }
  return fromEnvironment(parsed.data);
}

function fromEnvironment(env: z.output<typeof environmentSchema>): Config {
  return {
    home: resolve(env.CICLO_HOME),
    host: env.CICLO_HOST,
    port: env.CICLO_PORT,
    publicUrl: env.CICLO_PUBLIC_URL,
    databaseUrl: env.CICLO_DATABASE_URL,
    configRepository: env.CICLO_CONFIG_REPO,
    configBranch: env.CICLO_CONFIG_BRANCH,
    masterKey: env.CICLO_MASTER_KEY,
    masterKeyFile: env.CICLO_MASTER_KEY_FILE ?? join(env.CICLO_HOME, "master.key"),
    forge: forgeOf(env),
    sandbox: env.CICLO_SANDBOX,
    serverPath: env.CICLO_SERVER_PATH,
    mcpLogs: resolve(env.CICLO_MCP_LOGS),
    agentLogs: env.CICLO_AGENT_LOGS,
    collector:
      env.CICLO_OTLP_URL === undefined ? null : { url: env.CICLO_OTLP_URL, headers: env.CICLO_OTLP_HEADERS },
    logLevel: env.CICLO_LOG_LEVEL,
    maxBodyBytes: env.CICLO_MAX_BODY_BYTES,
  };
}

function forgeOf(env: z.output<typeof environmentSchema>): ForgeConfig | undefined {
  const { CICLO_FORGE: provider, CICLO_FORGE_REPO: repository, CICLO_FORGE_TOKEN: token } = env;
  if (provider === undefined || token === undefined) return undefined;
  return {
    provider,
    repository,
    token,
    url: env.CICLO_FORGE_URL,
    webhookSecret: env.CICLO_FORGE_WEBHOOK_SECRET,
  };
}

/** What `ciclo` talks to, and in which language it speaks. */
export function readClientConfig(environment: NodeJS.ProcessEnv = process.env): {
  url: string;
  token: string | undefined;
  locale: string;
} {
  const url = z.url({ protocol: /^https?$/ }).safeParse(environment.CICLO_URL || "http://127.0.0.1:8787");
  if (!url.success) throw new ConfigError("CICLO_URL: takes an http(s) URL");
  const locale =
    environment.LANGUAGE || environment.LC_ALL || environment.LC_MESSAGES || environment.LANG || "en";
  return {
    url: url.data,
    token: environment.CICLO_TOKEN || undefined,
    locale: locale.replace("_", "-").replace(/\..*$/, ""),
  };
}

/** The environment with some variables set otherwise: for programs that say where the data is. */
export const environmentWith = (set: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({ ...process.env, ...set });

/** What a child process may see of our environment: the named variables and nothing else. */
export const inheritedEnvironment = (names: readonly string[]): Record<string, string | undefined> =>
  Object.fromEntries(names.map((name) => [name, process.env[name]]));

/** Variables of the machine, its proxy and certificates say, that the operator passes on: `CICLO_PASS_ENV`. */
export const passedEnvironment = (): Record<string, string | undefined> =>
  inheritedEnvironment(variableNames.safeParse(process.env.CICLO_PASS_ENV ?? "").data ?? []);

/** Version of this package, for the OpenAPI document and `--version`. */
export const version = (
  JSON.parse(readFileSync(join(serverFolder, "package.json"), "utf8")) as { version: string }
).version;
