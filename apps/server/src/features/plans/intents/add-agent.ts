import { type IntentPayload, text } from "@ciclo/contract";
import { fieldError, invalidPayload } from "../../../errors.ts";
import { type Draft, type DraftInput, type DraftStep, writeStep } from "../draft.ts";
import type { JsonObject } from "../json.ts";
import { appendYaml, writeYaml } from "../yaml-edit.ts";

type Payload = IntentPayload<"add_agent">;

/** Writes the agent's manifest and README, and registers its MCP server when one is given. */
export function draftAddAgent({ payload, snapshot }: DraftInput<"add_agent">): Draft {
  const name = payload.agent_name;
  refuseUnusable(
    payload,
    [...snapshot.agents.keys()],
    snapshot.registry.servers.map(({ id }) => id),
  );
  const folder = `agents/${name}`;
  const title = payload.title ?? titleOf(name);
  const steps: DraftStep[] = [
    writeStep(
      "write-manifest",
      text("Write the manifest", "Escrever o manifesto"),
      text(
        `Declares ${name}: what it can do and what it runs on.`,
        `Declara ${name}: o que faz e onde roda.`,
      ),
      { path: `${folder}/agent.yaml`, contents: writeYaml(manifest(payload, title)) },
    ),
    writeStep(
      "write-readme",
      text("Write the README", "Escrever o README"),
      text("Says in words what the manifest declares.", "Diz em palavras o que o manifesto declara."),
      { path: `${folder}/README.md`, contents: agentReadme(name, title, payload) },
      ["write-manifest"],
    ),
  ];
  if (hasServer(payload)) {
    const registry = snapshot.files.get("mcp-registry.yaml")?.source ?? "servers: []\n";
    const entry = registryEntry(payload, title);
    steps.push(
      writeStep(
        "register-server",
        text("Register its MCP server", "Registrar seu servidor MCP"),
        text(`Adds server ${name} to the registry.`, `Adiciona o servidor ${name} ao registro.`),
        { path: "mcp-registry.yaml", contents: appendYaml(registry, "servers", entry) },
        ["write-manifest"],
      ),
    );
  }
  return {
    name: `add-agent-${name}`,
    summary: text(`Add agent ${name}`, `Adicionar o agente ${name}`),
    steps,
    fileSummaries: new Map([
      [`${folder}/agent.yaml`, text("manifest of the new agent", "manifesto do novo agente")],
      [`${folder}/README.md`, text("its README", "seu README")],
      ["mcp-registry.yaml", text(`registers server ${name}`, `registra o servidor ${name}`)],
    ]),
    searchFor: [name, title, payload.description, ...(payload.capabilities ?? [])].join(" "),
  };
}

function refuseUnusable(payload: Payload, known: string[], servers: string[]): void {
  const errors = [];
  if (hasServer(payload) && servers.includes(payload.agent_name)) {
    errors.push(
      fieldError(
        payload.endpoint === undefined ? "command" : "endpoint",
        `server ${payload.agent_name} is registered already; choose another agent_name`,
        `o servidor ${payload.agent_name} já está registrado; escolha outro agent_name`,
      ),
    );
  }
  if (payload.auth !== undefined && !hasServer(payload)) {
    errors.push(fieldError("auth", "needs an endpoint or a command", "precisa de endpoint ou command"));
  }
  if (known.includes(payload.agent_name)) {
    const list = known.join(", ");
    errors.push(
      fieldError(
        "agent_name",
        `${payload.agent_name} exists already; there are: ${list}`,
        `${payload.agent_name} já existe; há: ${list}`,
      ),
    );
  }
  if (payload.endpoint !== undefined && payload.command !== undefined) {
    errors.push(
      fieldError("command", "give endpoint or command, not both", "informe endpoint ou command, não ambos"),
    );
  }
  if (payload.transport === "stdio" && payload.command === undefined) {
    errors.push(
      fieldError("command", "is required for transport stdio", "é obrigatório para o transporte stdio"),
    );
  }
  if (payload.transport !== undefined && payload.transport !== "stdio" && payload.endpoint === undefined) {
    errors.push(
      fieldError(
        "endpoint",
        `is required for transport ${payload.transport}`,
        `é obrigatório para o transporte ${payload.transport}`,
      ),
    );
  }
  if (errors.length > 0) throw invalidPayload(errors);
}

const hasServer = (payload: Payload): boolean =>
  payload.endpoint !== undefined || payload.command !== undefined;

function manifest(payload: Payload, title: string): JsonObject {
  return defined({
    name: payload.agent_name,
    title,
    version: "1.0.0",
    description: payload.description,
    repository: payload.repository,
    capabilities: payload.capabilities,
    server: hasServer(payload) ? payload.agent_name : undefined,
    tools: payload.tools,
    model: payload.model,
    hitl: payload.approval_rules === undefined ? undefined : { approval_rules: payload.approval_rules },
  });
}

function registryEntry(payload: Payload, title: string): JsonObject {
  const stdio = payload.command !== undefined;
  return defined({
    id: payload.agent_name,
    title,
    transport: payload.transport ?? (stdio ? "stdio" : transportOf(payload.endpoint ?? "")),
    url: payload.endpoint,
    command: payload.command,
    args: payload.args,
    [stdio ? "env" : "headers"]: payload.auth,
    tools: payload.tools,
    session: payload.session,
  });
}

const transportOf = (endpoint: string): string => (/^wss?:/.test(endpoint) ? "websocket" : "streamable_http");

/** README of an agent; also what `generate_artifact` writes for one. */
export function agentReadme(
  name: string,
  title: string,
  agent: Pick<Payload, "description" | "repository" | "capabilities" | "tools">,
): string {
  const list = (heading: string, items: string[] | undefined): string[] =>
    items === undefined || items.length === 0
      ? []
      : ["", `## ${heading}`, "", ...items.map((item) => `- ${item}`)];
  return [
    `# ${title}`,
    "",
    agent.description ?? `Agent \`${name}\`.`,
    ...(agent.repository === undefined ? [] : ["", `Repository: ${agent.repository}`]),
    ...list("Capabilities", agent.capabilities),
    ...list("Tools", agent.tools),
    "",
  ].join("\n");
}

export const titleOf = (slug: string): string =>
  slug
    .split("-")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(" ");

/** Without the fields that were not given. */
function defined(fields: Record<string, unknown>): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as JsonObject;
}
