import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { createServer, name, version } from "./server.ts";
import { readSettings, SettingsError } from "./settings.ts";
import { counterOf } from "./tokens.ts";

const help = `${name} ${version}

usage: ${name} --stdio

An MCP server over standard input and output with the tools glm46.chat, glm46.embedding and glm46.token_count.
Environment: ZHIPU_API_KEY, GLM46_MODEL, GLM46_EMBEDDING_MODEL, GLM46_CHAT_URL, GLM46_EMBEDDING_URL,
MAX_TOKENS, TIMEOUT_S, MAX_COST_USD, MCP_COST_POLICY_FILE, GLM46_PRICE_INPUT_PER_1K, GLM46_PRICE_OUTPUT_PER_1K,
GLM46_PRICE_EMBEDDING_PER_1K, GLM46_LOG_DIR, GLM46_TOKENIZER_JSON, RETRY_MAX. README.md says what each does.
`;

const [option, ...rest] = process.argv.slice(2);
if (option === "--stdio" && rest.length === 0) {
  try {
    const settings = readSettings(process.env);
    const counter = counterOf(settings.tokenizerJson);
    serveStdio(() => createServer(settings, counter));
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  }
} else if (option === "--version") {
  process.stdout.write(`${version}\n`);
} else if (option === "--help" || option === "-h") {
  process.stdout.write(help);
} else {
  process.stderr.write(help);
  process.exitCode = 2;
}
