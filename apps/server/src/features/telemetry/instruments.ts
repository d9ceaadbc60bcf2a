import type { Attributes, Meter } from "@opentelemetry/api";
import type { Cost, MeteredCall } from "../../domain/usage.ts";
import { inputOf } from "../../domain/tokens.ts";

/** Bounds of histograms as the GenAI and MCP conventions of OpenTelemetry advise them. */
const secondsBounds = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const tokenBounds = [
  1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216,
];

/** Records each call that the console sees itself. */
export type Observe = (call: MeteredCall, cost: Cost) => void;

/** Metrics of calls, with the names of OpenTelemetry's GenAI and MCP conventions where there are such. */
export function callInstruments(meter: Meter): Observe {
  const histogram = (name: string, unit: string, description: string, bounds: number[]) =>
    meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries: bounds } });
  const modelSeconds = histogram(
    "gen_ai.client.operation.duration",
    "s",
    "How long calls of models took",
    secondsBounds,
  );
  const tokens = histogram(
    "gen_ai.client.token.usage",
    "{token}",
    "Tokens that calls of models used",
    tokenBounds,
  );
  const toolSeconds = histogram(
    "mcp.server.operation.duration",
    "s",
    "How long requests to MCP servers took, through the gateway",
    secondsBounds,
  );
  const calls = meter.createCounter("ciclo.calls", { description: "Calls, by how they ended" });
  const cost = meter.createCounter("ciclo.cost.usd", {
    unit: "{USD}",
    description: "What calls cost, in US dollars",
  });
  const unpriced = meter.createCounter("ciclo.unpriced.calls", {
    description: "Calls whose cost is not known: they are missing in ciclo.cost.usd",
  });
  return (call, paid) => {
    const { subject, status } = call;
    const attributes = subject.kind === "model" ? modelAttributes(call) : toolAttributes(call);
    const isFailed = status !== "ok";
    const ended = isFailed ? { ...attributes, "error.type": status } : attributes;
    calls.add(1, { ...attributes, "ciclo.kind": subject.kind, "ciclo.status": status });
    if (call.ms !== null && status !== "refused")
      (subject.kind === "model" ? modelSeconds : toolSeconds).record(call.ms / 1000, ended);
    if (call.usage !== null) {
      tokens.record(inputOf(call.usage.tokens), { ...attributes, "gen_ai.token.type": "input" });
      tokens.record(call.usage.tokens.output, { ...attributes, "gen_ai.token.type": "output" });
    }
    if (paid.nanoUsd !== null)
      cost.add(paid.nanoUsd / 1e9, { ...attributes, "ciclo.cost.source": paid.source });
    else if (paid.source !== "none") unpriced.add(1, { ...attributes, "ciclo.cost.source": paid.source });
  };
}

const agents: ReadonlySet<string> = new Set([
  "claude-code",
  "codex",
  "gemini-cli",
  "qwen-code",
  "opencode",
  "copilot-cli",
  "ciclo",
]);
/** Callers name agents, models and tools as they like: so many different ones are told apart, the rest is one. */
const mostNames = 200;

class Names {
  readonly #seen = new Set<string>();

  of(name: string | null): string {
    if (name === null) return "unknown";
    if (this.#seen.has(name)) return name;
    if (this.#seen.size >= mostNames || name.length > 100) return "other";
    this.#seen.add(name);
    return name;
  }
}

const [models, servers, tools] = [new Names(), new Names(), new Names()];
const agentOf = (name: string): string => (agents.has(name) ? name : "other");

/** What operation of the conventions a route of the model endpoint is. */
const operations: Readonly<Record<string, string>> = {
  completions: "text_completion",
  embeddings: "embeddings",
  embedContent: "embeddings",
  batchEmbedContents: "embeddings",
  generateContent: "generate_content",
  streamGenerateContent: "generate_content",
};

export const modelAttributes = ({ subject, usage }: MeteredCall): Attributes => ({
  "gen_ai.operation.name": operations[subject.method ?? ""] ?? "chat",
  "gen_ai.provider.name": servers.of(subject.provider),
  "gen_ai.request.model": models.of(subject.model),
  ...(usage?.model == null ? {} : { "gen_ai.response.model": models.of(usage.model) }),
  ...(subject.agent === null ? {} : { "gen_ai.agent.name": agentOf(subject.agent) }),
});

export const toolAttributes = ({ subject }: MeteredCall): Attributes => ({
  "mcp.method.name": subject.method ?? "unknown",
  "ciclo.server": servers.of(subject.server),
  ...(subject.tool === null ? {} : { "gen_ai.tool.name": tools.of(subject.tool) }),
  ...(subject.agent === null ? {} : { "gen_ai.agent.name": agentOf(subject.agent) }),
});
