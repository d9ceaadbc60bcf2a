import { text } from "@ciclo/contract";
import type {
  AgentFile,
  HandshakeStep,
  Locale,
  ServerDetail,
  ServerSummary,
  Tool,
  Validation,
} from "@ciclo/contract";
import type { Connection, StepReport, JudgedTool } from "../../domain/servers.ts";
import type { Link } from "./link.ts";
import { keyUsesOf } from "../../domain/key-uses.ts";

const shownSamples = 40;

export function presentSummary(link: Link, server: RegistryEntry, locale: Locale): ServerSummary {
  const offered = link.tools.filter(({ reason }) => reason === null).length;
  return {
    id: server.id,
    title: server.title,
    transport: server.transport,
    target: server.url ?? [server.command, ...(server.args ?? [])].join(" "),
    state: link.state,
    state_since: link.stateSince,
    detail: link.trouble?.[locale] ?? null,
    retry_at: link.retryAt,
    restarts: link.restarts,
    era: link.era,
    protocol_version: link.connection?.protocolVersion ?? null,
    tools: { offered, withheld: link.tools.length - offered },
    latency: link.samples.slice(-shownSamples),
    calls_in_flight: link.inFlight,
  };
}

type RegistryEntry = Parameters<typeof keyUsesOf>[0];

export function presentDetail(
  link: Link,
  server: RegistryEntry,
  agents: ReadonlyMap<string, AgentFile>,
  locale: Locale,
): ServerDetail {
  return {
    ...presentSummary(link, server, locale),
    latency: link.samples,
    description: server.description ?? null,
    server_info: link.connection?.serverInfo ?? null,
    keys: keyUsesOf(server).map(({ name, reference }) => ({ name, reference })),
    session: server.session ?? "shared",
    agents: [...agents.values()].filter((agent) => agent.server === server.id).map(({ name }) => name),
    tool_list: link.tools.map((tool) => presentTool(tool, locale)),
    log: link.log,
  };
}

export function presentTool(tool: JudgedTool, locale: Locale): Tool {
  const offered = tool.offered?.tool;
  return {
    name: tool.name,
    title: typeof offered?.title === "string" ? offered.title : null,
    description: offered?.description ?? null,
    state: tool.state,
    partial: tool.isPartial,
    hash: tool.offered?.hash ?? null,
    locked_hash: tool.lockedHash,
    reason: (tool.reason ?? (tool.isPartial ? inPart : null))?.[locale] ?? null,
  };
}

const inPart = text(
  "approved before titles, annotations and output schemas were: those are left out until it is accepted again",
  "aprovada antes de títulos, anotações e esquemas de saída: estes ficam de fora até que ela seja aceita de novo",
);

export const presentStep = (step: StepReport, locale: Locale): HandshakeStep => ({
  ...step,
  detail: step.detail[locale],
});

/** What a handshake found; `connection` is null where it came to nothing. */
export function presentValidation(
  steps: readonly StepReport[],
  connection: Pick<Connection, "era" | "protocolVersion" | "serverInfo" | "tools"> | null,
  locale: Locale,
): Validation {
  const tools = connection?.tools ?? [];
  return {
    ok: connection !== null && tools.every(({ problem }) => problem === null),
    steps: steps.map((step) => presentStep(step, locale)),
    era: connection?.era ?? null,
    protocol_version: connection?.protocolVersion ?? null,
    server_info: connection?.serverInfo ?? null,
    tools: tools.map(({ tool, hash, problem }) => ({
      name: tool.name,
      description: tool.description ?? null,
      hash,
      problem: problem?.[locale] ?? null,
    })),
  };
}
