import { type IntentPayload, ownServerId, type Text, text } from "@ciclo/contract";
import { fieldError, invalidPayload } from "../../../errors.ts";
import { type Draft, type DraftInput, writeStep } from "../draft.ts";
import { lockStep, toolLockPath } from "../tool-lock.ts";
import type { JsonObject } from "../json.ts";
import { appendYaml, mergeYamlItem, removeYamlItem } from "../yaml-edit.ts";
import { draftAddAgent } from "./add-agent.ts";

const registryPath = "mcp-registry.yaml";

/** An agent that is an MCP server: manifest, README, registry entry, and its tools as a handshake found them. */
export function draftOnboardServer({ payload, snapshot, existing }: DraftInput<"onboard_server">): Draft {
  const { lock, ...agent } = payload;
  const name = agent.agent_name;
  if (name === ownServerId) throw invalidPayload([ownName("agent_name")]);
  if (agent.endpoint === undefined && agent.command === undefined) {
    throw invalidPayload([
      fieldError("endpoint", "give an endpoint or a command", "informe um endpoint ou um command"),
    ]);
  }
  const draft = draftAddAgent({ payload: agent, snapshot, existing });
  const count = Object.keys(lock ?? {}).length;
  return {
    ...draft,
    name: `onboard-${name}`,
    summary: text(
      `Onboard MCP server ${name} with ${count} tools`,
      `Integrar o servidor MCP ${name} com ${count} ferramentas`,
    ),
    steps: [
      ...draft.steps,
      ...(lock === undefined ? [] : lockStep(snapshot, new Map([[name, lock]]), ["register-server"])),
    ],
    fileSummaries: new Map([...draft.fileSummaries, [toolLockPath, locks(name, count)]]),
  };
}

/** Servers of a client's file, registered as they are. */
export function draftImportServers({ payload, snapshot }: DraftInput<"import_servers">): Draft {
  const known = new Set(snapshot.registry.servers.map(({ id }) => id));
  const errors = payload.servers.flatMap(({ id }, index) => {
    if (id === ownServerId) return [ownName(`servers.${index}.id`)];
    if (!known.has(id)) return [];
    return [fieldError(`servers.${index}.id`, `${id} is registered already`, `${id} já está registrado`)];
  });
  if (errors.length > 0) throw invalidPayload(errors);
  const entries = payload.servers.map(registryEntry);
  const source = snapshot.files.get(registryPath)?.source ?? "servers: []\n";
  const contents = entries.reduce((yaml, entry) => appendYaml(yaml, "servers", entry), source);
  const locked = payload.servers.flatMap(({ id, lock }) => (lock === undefined ? [] : [[id, lock] as const]));
  const ids = payload.servers.map(({ id }) => id).join(", ");
  const summary = text(`Import MCP servers: ${ids}`, `Importar servidores MCP: ${ids}`);
  return {
    name: "import-servers",
    summary,
    steps: [
      writeStep(
        "register-servers",
        text("Register the servers", "Registrar os servidores"),
        text(
          "As the client's file had them, with references in the place of keys.",
          "Como estavam no arquivo do cliente, com referências no lugar das chaves.",
        ),
        { path: registryPath, contents },
      ),
      ...lockStep(snapshot, new Map(locked), ["register-servers"]),
    ],
    fileSummaries: new Map([
      [registryPath, text(`registers ${ids}`, `registra ${ids}`)],
      [
        toolLockPath,
        text("locks their tools as they are offered now", "trava suas ferramentas como estão agora"),
      ],
    ]),
    searchFor: `${ids} MCP server`,
  };
}

/** Changes a server's registry entry by merge patch. Its tools stay locked as they are. */
export function draftEditServer({ payload, snapshot }: DraftInput<"edit_server">): Draft {
  const { server } = payload;
  const changes = payload.changes as JsonObject;
  refuseUnknown(
    server,
    snapshot.registry.servers.map(({ id }) => id),
  );
  if (Object.keys(changes).length === 0) {
    throw invalidPayload([fieldError("changes", "is required", "é obrigatório")]);
  }
  if ("id" in changes) {
    throw invalidPayload([
      fieldError(
        "changes.id",
        "an id stays; remove the server and onboard another",
        "o id permanece; remova o servidor e integre outro",
      ),
    ]);
  }
  const source = snapshot.files.get(registryPath)?.source ?? "";
  const fields = Object.keys(changes).join(", ");
  const summary = text(
    `Change MCP server ${server}: ${fields}`,
    `Alterar o servidor MCP ${server}: ${fields}`,
  );
  return {
    name: `edit-server-${server}`,
    summary,
    steps: [
      writeStep(
        "edit-server",
        text("Write the registry entry", "Escrever a entrada do registro"),
        text(
          "Sets the fields named; comments and order stay as they are.",
          "Define os campos indicados; comentários e ordem permanecem.",
        ),
        {
          path: registryPath,
          contents: mergeYamlItem(source, "servers", { field: "id", value: server, patch: changes }),
        },
      ),
    ],
    fileSummaries: new Map([[registryPath, summary]]),
    searchFor: `${server} MCP server`,
  };
}

/** Puts tools of one server in the lock as they are offered now, or takes them out. */
export function draftAcceptTools({ payload, snapshot }: DraftInput<"accept_tools">): Draft {
  const { server, tools } = payload;
  refuseUnknown(
    server,
    snapshot.registry.servers.map(({ id }) => id),
  );
  const before = snapshot.toolLock.servers[server] ?? {};
  const after = new Map(Object.entries(before));
  for (const [name, locked] of Object.entries(tools)) {
    if (locked === null) after.delete(name);
    else after.set(name, locked);
  }
  const names = Object.keys(tools).toSorted();
  const short = names.length > 4 ? `${names.slice(0, 4).join(", ")}, … (${names.length})` : names.join(", ");
  const summary = text(`Accept tools of ${server}: ${short}`, `Aceitar ferramentas de ${server}: ${short}`);
  return {
    name: `accept-tools-${server}`,
    summary,
    steps: lockStep(snapshot, new Map([[server, Object.fromEntries(after)]])),
    fileSummaries: new Map([[toolLockPath, summary]]),
    searchFor: `${server} tools`,
  };
}

/** Takes a server out of the registry and the lock. */
export function draftRemoveServer({ payload, snapshot }: DraftInput<"remove_server">): Draft {
  const { server } = payload;
  refuseUnknown(
    server,
    snapshot.registry.servers.map(({ id }) => id),
  );
  const users = [...snapshot.agents.values()].filter((agent) => agent.server === server);
  if (users.length > 0) {
    const names = users.map(({ name }) => name).join(", ");
    throw invalidPayload([
      fieldError(
        "server",
        `agents run on ${server}: ${names}. Remove them instead; the last one takes it along`,
        `agentes usam ${server}: ${names}. Remova-os; o último o leva junto`,
      ),
    ]);
  }
  const source = snapshot.files.get(registryPath)?.source ?? "";
  const unregisters = text(`unregisters ${server}`, `remove o registro de ${server}`);
  return {
    name: `remove-server-${server}`,
    summary: text(`Remove MCP server ${server}`, `Remover o servidor MCP ${server}`),
    steps: [
      writeStep(
        "unregister-server",
        text("Unregister the server", "Remover o registro do servidor"),
        text(
          "Calls under way end; no new ones are let through. Its keys stay in the store.",
          "Chamadas em andamento terminam; novas não passam. Suas chaves ficam guardadas.",
        ),
        { path: registryPath, contents: removeYamlItem(source, "servers", "id", server) },
      ),
      ...lockStep(snapshot, new Map([[server, null]]), ["unregister-server"]),
    ],
    fileSummaries: new Map<string, Text>([
      [registryPath, unregisters],
      [toolLockPath, unregisters],
    ]),
    searchFor: `${server} MCP server`,
  };
}

const locks = (name: string, count: number): Text =>
  text(`locks ${count} tools of ${name}`, `trava ${count} ferramentas de ${name}`);

const ownName = (path: string) =>
  fieldError(path, "ciclo is the console's own server", "ciclo é o servidor da própria console");

function refuseUnknown(server: string, known: readonly string[]): void {
  if (known.includes(server)) return;
  const list = known.join(", ");
  throw invalidPayload([
    fieldError(
      "server",
      `no server ${server}; there are: ${list}`,
      `o servidor ${server} não existe; há: ${list}`,
    ),
  ]);
}

/** An entry as the registry holds it: without the lock, and without what was not given. */
const registryEntry = (server: IntentPayload<"import_servers">["servers"][number]): JsonObject =>
  Object.fromEntries(
    Object.entries(server).filter(([name, value]) => name !== "lock" && value !== undefined),
  );
