import { type Text, text } from "@ciclo/contract";
import { fieldError, invalidPayload } from "../../../errors.ts";
import { type Draft, type DraftInput, type DraftStep, writeStep } from "../draft.ts";
import { lockStep, toolLockPath } from "../tool-lock.ts";
import { removeYamlItem } from "../yaml-edit.ts";

/** Deletes an agent's folder, and its MCP server's registration where no other agent names it. */
export function draftRemoveAgent({ payload, snapshot }: DraftInput<"remove_agent">): Draft {
  const name = payload.agent_name;
  const known = [...snapshot.agents.keys()];
  const paths = [...snapshot.files.keys()].filter((path) => path.startsWith(`agents/${name}/`));
  if (paths.length === 0) {
    const list = known.join(", ");
    throw invalidPayload([
      fieldError(
        "agent_name",
        `no agent ${name}; there are: ${list}`,
        `o agente ${name} não existe; há: ${list}`,
      ),
    ]);
  }
  const server = snapshot.agents.get(name)?.server;
  const isShared = [...snapshot.agents.values()].some(
    (agent) => agent.name !== name && agent.server === server,
  );
  const registry = snapshot.files.get("mcp-registry.yaml")?.source;
  const unregister: DraftStep[] =
    server === undefined ||
    isShared ||
    registry === undefined ||
    !snapshot.registry.servers.some(({ id }) => id === server)
      ? []
      : [
          writeStep(
            "unregister-server",
            text("Unregister its MCP server", "Remover o registro do seu servidor MCP"),
            text(
              `Takes server ${server} out of the registry: no other agent names it.`,
              `Retira o servidor ${server} do registro: nenhum outro agente o cita.`,
            ),
            { path: "mcp-registry.yaml", contents: removeYamlItem(registry, "servers", "id", server) },
            ["delete-agent"],
          ),
          ...lockStep(snapshot, new Map([[server, null]]), ["unregister-server"]),
        ];
  return {
    name: `remove-agent-${name}`,
    summary: text(`Remove agent ${name}`, `Remover o agente ${name}`),
    steps: [
      {
        id: "delete-agent",
        title: text("Delete the agent's files", "Apagar os arquivos do agente"),
        description: text(
          `Deletes ${paths.length} files below agents/${name}. They stay in history.`,
          `Apaga ${paths.length} arquivos em agents/${name}. Eles ficam no histórico.`,
        ),
        depends_on: [],
        actions: paths.map((path) => ({ type: "delete_file" as const, path })),
      },
      ...unregister,
    ],
    fileSummaries: new Map([
      ...paths.map((path): [string, Text] => [path, text("deleted with the agent", "apagado com o agente")]),
      ["mcp-registry.yaml", text("unregisters its server", "remove o registro do servidor")],
      [toolLockPath, text("forgets its tools", "esquece suas ferramentas")],
    ]),
    searchFor: `${name} agent`,
  };
}
