import { text } from "@ciclo/contract";
import { fieldError, invalidPayload } from "../../../errors.ts";
import type { Draft, DraftInput } from "../draft.ts";

/** Deletes an agent's folder. Its MCP server stays registered: others may use it. */
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
    ],
    fileSummaries: new Map(
      paths.map((path) => [path, text("deleted with the agent", "apagado com o agente")]),
    ),
    searchFor: `${name} agent`,
  };
}
