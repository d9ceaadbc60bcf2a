import type { AgentPreset, ExecutorPolicy } from "@ciclo/contract";

/** How an agent is started in the sandbox. */
export type AgentStart = {
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Files of its home, by path. */
  files: Readonly<Record<string, string>>;
  mode?: string;
  signIn?: string;
};

/** Where the console is for it. The token says nothing outside of the sandbox, and is none of the console's. */
type Reach = { url: string; token: string; model: string | undefined };

type Preset = (reach: Reach) => AgentStart;

/**
 * Agents that speak ACP, as they were seen to work in a sandbox with no network but the console: the address of the model, a
 * mode in which they ask, and nothing sent home. Versions: claude-agent-acp 0.101.0, codex-acp 2.6.0, gemini-cli 0.61.0,
 * opencode 1.18.33, copilot 1.0.102, qwen-code 0.24.4.
 */
const presets: Record<AgentPreset, Preset> = {
  "claude-code": ({ url, token, model }) => ({
    command: "claude-agent-acp",
    args: [],
    env: {
      ANTHROPIC_BASE_URL: `${url}/llm/anthropic`,
      ANTHROPIC_AUTH_TOKEN: token,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      ...(model === undefined ? {} : { ANTHROPIC_MODEL: model }),
    },
    files: {},
    mode: "default",
  }),
  codex: ({ url, token, model }) => ({
    command: "codex-acp",
    args: [],
    env: { CICLO_TOKEN: token },
    files: {
      ".codex/config.toml": [
        `model_provider = "ciclo"`,
        ...(model === undefined ? [] : [`model = ${JSON.stringify(model)}`]),
        // It is in a sandbox already, in which it could make none of its own.
        `sandbox_mode = "danger-full-access"`,
        `check_for_update_on_startup = false`,
        `[model_providers.ciclo]`,
        `name = "Ciclo"`,
        `base_url = "${url}/llm/openai/v1"`,
        `env_key = "CICLO_TOKEN"`,
        `wire_api = "responses"`,
        `[analytics]`,
        `enabled = false`,
        `[features]`,
        `plugins = false`,
        "",
      ].join("\n"),
    },
    mode: "agent-full-access",
  }),
  "gemini-cli": ({ url, token, model }) => ({
    command: "gemini",
    args: ["--acp", ...(model === undefined ? [] : ["--model", model])],
    env: { GOOGLE_GEMINI_BASE_URL: `${url}/llm/google`, GEMINI_API_KEY: token },
    files: {
      ".gemini/settings.json": JSON.stringify({
        security: { auth: { selectedType: "gemini-api-key" } },
        privacy: { usageStatisticsEnabled: false },
        general: { disableAutoUpdate: true },
      }),
    },
    mode: "default",
    signIn: "gemini-api-key",
  }),
  opencode: ({ url, token, model }) => ({
    command: "opencode",
    args: ["acp"],
    env: { OPENCODE_DISABLE_MODELS_FETCH: "1", OPENCODE_DISABLE_AUTOUPDATE: "1" },
    files: {
      ".config/opencode/opencode.json": JSON.stringify({
        autoupdate: false,
        permission: { edit: "ask", bash: "ask" },
        ...(model === undefined ? {} : { model: `ciclo/${model}` }),
        provider: {
          ciclo: {
            npm: "@ai-sdk/openai-compatible",
            options: { baseURL: `${url}/llm/openai/v1`, apiKey: token },
            models: model === undefined ? {} : { [model]: {} },
          },
        },
      }),
    },
  }),
  copilot: ({ url, token, model }) => ({
    command: "copilot",
    args: ["--acp"],
    env: {
      COPILOT_OFFLINE: "true",
      COPILOT_PROVIDER_BASE_URL: `${url}/llm/openai/v1`,
      COPILOT_PROVIDER_API_KEY: token,
      ...(model === undefined ? {} : { COPILOT_MODEL: model }),
    },
    files: {},
  }),
  "qwen-code": ({ url, token, model }) => ({
    command: "qwen",
    args: ["--acp"],
    env: {
      OPENAI_BASE_URL: `${url}/llm/openai/v1`,
      OPENAI_API_KEY: token,
      ...(model === undefined ? {} : { OPENAI_MODEL: model }),
    },
    files: {
      ".qwen/settings.json": JSON.stringify({
        security: { auth: { selectedType: "openai" } },
        privacy: { usageStatisticsEnabled: false },
      }),
    },
    mode: "default",
  }),
};

/** How the agent of a policy is started. Any other that speaks ACP finds the console where agents usually look for a model. */
export function startOf(
  { preset, command, args, model }: ExecutorPolicy,
  reach: Omit<Reach, "model">,
): AgentStart {
  const at = { ...reach, model };
  const known =
    preset === undefined
      ? {
          command: command ?? "",
          args: [],
          files: {},
          env: {
            CICLO_URL: reach.url,
            OPENAI_BASE_URL: `${reach.url}/llm/openai/v1`,
            OPENAI_API_KEY: reach.token,
            ANTHROPIC_BASE_URL: `${reach.url}/llm/anthropic`,
            ANTHROPIC_AUTH_TOKEN: reach.token,
            GOOGLE_GEMINI_BASE_URL: `${reach.url}/llm/google`,
            GEMINI_API_KEY: reach.token,
            ...(model === undefined ? {} : { CICLO_MODEL: model }),
          },
        }
      : presets[preset](at);
  return { ...known, command: command ?? known.command, args: args ?? known.args };
}
