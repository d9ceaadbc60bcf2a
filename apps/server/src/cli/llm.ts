import { readClientConfig } from "../config.ts";
import { type Command, command, type Io, option, UsageError } from "./command.ts";

/** How an agent is set up to reach its models through the console. */
type SetUp = {
  agent: string;
  /** Variables to export. `$CICLO_TOKEN` stands for the caller's own token, which is written nowhere. */
  environment: Record<string, string>;
  /** Files, each to be merged with what it holds already. */
  files: { path: string; contents: string }[];
  notes: string[];
};

type Asked = { url: string; model: string | undefined; telemetry: boolean };

const token = "$CICLO_TOKEN";
/** With a blank: in the form `%20` some agents send it as it stands there. */
const otlpHeaders = `Authorization=Bearer ${token}`;
const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
const noTelemetryNote = "Nothing that people write leaves by telemetry in this set-up.";

/** Seen to work: claude-code 2.1.332, codex 0.171.0, gemini-cli 0.61.0, qwen-code 0.24.4, copilot 1.0.102, opencode 1.18.33. */
const setUps: Record<string, (asked: Asked) => Omit<SetUp, "agent">> = {
  "claude-code": ({ url, model, telemetry }) => ({
    environment: {
      ANTHROPIC_BASE_URL: `${url}/llm/anthropic`,
      ANTHROPIC_AUTH_TOKEN: token,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      ...(model === undefined ? {} : { ANTHROPIC_MODEL: model }),
      ...(telemetry
        ? {
            CLAUDE_CODE_ENABLE_TELEMETRY: "1",
            OTEL_METRICS_EXPORTER: "none",
            OTEL_LOGS_EXPORTER: "otlp",
            OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
            OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/otlp`,
            OTEL_EXPORTER_OTLP_HEADERS: otlpHeaders,
            // They are off by default, but a variable that is already set would win.
            OTEL_LOG_USER_PROMPTS: "0",
            OTEL_LOG_TOOL_DETAILS: "0",
          }
        : {}),
    },
    files: [],
    notes: [
      "Unset ANTHROPIC_API_KEY: with both set, both are sent.",
      ...(telemetry ? [noTelemetryNote] : []),
    ],
  }),
  codex: ({ url, model = "gpt-5.2-codex", telemetry }) => ({
    environment: {},
    files: [
      {
        path: "~/.codex/config.toml",
        contents: `model = ${JSON.stringify(model)}
model_provider = "ciclo"
check_for_update_on_startup = false

[model_providers.ciclo]
name = "Ciclo"
base_url = "${url}/llm/openai/v1"
wire_api = "responses"
env_key = "CICLO_TOKEN"
# A spent budget is said once, and not six times.
request_max_retries = 0
stream_max_retries = 0

[analytics]
enabled = false

[features]
plugins = false
${
  telemetry
    ? `
[otel]
log_user_prompt = false
# Codex reads no variable here: put your token in place of $CICLO_TOKEN, and keep the file to yourself.
exporter = { otlp-http = { endpoint = "${url}/otlp/v1/logs", protocol = "json", headers = { "Authorization" = "Bearer ${token}" } } }
`
    : ""
}`,
      },
    ],
    notes: telemetry
      ? [
          "Codex exports commands and their output in clear; the console drops them before anything is stored.",
        ]
      : [],
  }),
  "gemini-cli": ({ url, telemetry }) => ({
    environment: {
      GOOGLE_GEMINI_BASE_URL: `${url}/llm/google`,
      GEMINI_API_KEY: token,
      ...(telemetry ? googleTelemetry("GEMINI", url) : {}),
    },
    files: [
      {
        path: "~/.gemini/settings.json",
        contents: json({
          security: { auth: { selectedType: "gemini-api-key" } },
          privacy: { usageStatisticsEnabled: false },
          general: { enableAutoUpdate: false },
        }),
      },
    ],
    notes: telemetry
      ? [
          "Give prompts by standard input: the prompt of -p stands in what is exported, as an argument of the process. The console drops it.",
        ]
      : [],
  }),
  "qwen-code": ({ url, model = "glm-4.6", telemetry }) => ({
    environment: {
      OPENAI_BASE_URL: `${url}/llm/openai/v1`,
      OPENAI_API_KEY: token,
      OPENAI_MODEL: model,
      ...(telemetry ? googleTelemetry("QWEN", url) : {}),
    },
    files: [
      {
        path: "~/.qwen/settings.json",
        contents: json({
          security: { auth: { selectedType: "openai" } },
          privacy: { usageStatisticsEnabled: false },
          general: { enableAutoUpdate: false },
        }),
      },
    ],
    notes: [],
  }),
  "copilot-cli": ({ url, model = "gpt-5.2-codex", telemetry }) => ({
    environment: {
      COPILOT_PROVIDER_BASE_URL: `${url}/llm/openai/v1`,
      COPILOT_PROVIDER_API_KEY: token,
      COPILOT_MODEL: model,
      COPILOT_OFFLINE: "true",
      ...(telemetry
        ? {
            COPILOT_OTEL_ENABLED: "true",
            OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/otlp`,
            OTEL_EXPORTER_OTLP_HEADERS: otlpHeaders,
            // It is off by default, but a variable that is already set would win.
            OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "false",
          }
        : {}),
    },
    files: [],
    notes: ["To its provider Copilot names itself OpenAI/JS: its calls stand under that name."],
  }),
  opencode: ({ url, model = "glm-4.6", telemetry }) => ({
    environment: {
      OPENCODE_DISABLE_MODELS_FETCH: "1",
      OPENCODE_DISABLE_AUTOUPDATE: "1",
      ...(telemetry
        ? { OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/otlp`, OTEL_EXPORTER_OTLP_HEADERS: otlpHeaders }
        : {}),
    },
    files: [
      {
        path: "~/.config/opencode/opencode.json",
        contents: json({
          model: `ciclo/${model}`,
          // Titles are made by the small model, which would be another provider's.
          small_model: `ciclo/${model}`,
          provider: {
            ciclo: {
              npm: "@ai-sdk/openai-compatible",
              name: "Ciclo",
              options: { baseURL: `${url}/llm/openai/v1`, apiKey: "{env:CICLO_TOKEN}" },
              models: { [model]: { name: model } },
            },
          },
          autoupdate: false,
          share: "disabled",
          ...(telemetry ? { experimental: { openTelemetry: true } } : {}),
        }),
      },
    ],
    notes: telemetry
      ? [
          "With openTelemetry opencode exports texts too; the console drops them. Its last call is not exported: it does not flush when it ends.",
        ]
      : [],
  }),
};

const googleTelemetry = (prefix: string, url: string): Record<string, string> => ({
  [`${prefix}_TELEMETRY_ENABLED`]: "true",
  [`${prefix}_TELEMETRY_TARGET`]: "local",
  [`${prefix}_TELEMETRY_OTLP_PROTOCOL`]: "http",
  [`${prefix}_TELEMETRY_OTLP_ENDPOINT`]: `${url}/otlp`,
  [`${prefix}_TELEMETRY_LOG_PROMPTS`]: "false",
  OTEL_EXPORTER_OTLP_HEADERS: otlpHeaders,
});

const showSetUp = ({ environment, files, notes }: SetUp, io: Io): string[] => [
  ...Object.entries(environment).map(([name, value]) => `export ${name}="${value}"`),
  ...files.flatMap(({ path, contents }) => [
    "",
    io.paint("dim", `# ${path}`),
    ...contents.trimEnd().split("\n"),
  ]),
  ...notes.flatMap((note) => ["", io.paint("yellow", `# ${note}`)]),
];

export const llmCommands: Command[] = [
  command({
    name: "llm client",
    usage: "ciclo llm client AGENT [--model M] [--telemetry]",
    summary: `How an agent reaches its models through the console, with your token from CICLO_TOKEN. --telemetry also exports its usage, without prompts. Agents: ${Object.keys(setUps).join(", ")}.`,
    examples: ["ciclo llm client claude-code", "ciclo llm client codex --telemetry"],
    options: { model: { type: "string" }, telemetry: { type: "boolean" } },
    takes: { min: 1, max: 1 },
    run({ positionals: [agent = ""], values }) {
      const setUp = Object.hasOwn(setUps, agent) ? setUps[agent] : undefined;
      if (setUp === undefined)
        throw new UsageError(`${agent} is no agent; there are: ${Object.keys(setUps).join(", ")}`);
      const { url } = readClientConfig();
      const asked = {
        url: url.replace(/\/$/, ""),
        model: option(values, "model"),
        telemetry: values["telemetry"] === true,
      };
      return Promise.resolve({ agent, ...setUp(asked) });
    },
    show: showSetUp,
  }),
];
