import { text, type ToolLockFile, toolLockFileSchema } from "@ciclo/contract";
import { fieldError, invalidPayload } from "../../errors.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import { type DraftStep, writeStep } from "./draft.ts";

export const toolLockPath = "mcp-tools.lock.json";

type Locked = ToolLockFile["servers"][string];

/** The lock with other tools for some servers; null takes a server out. Names are in order, so that diffs are small. */
function withTools(source: string | undefined, changes: ReadonlyMap<string, Locked | null>): string {
  const servers = new Map(Object.entries(read(source).servers));
  for (const [id, tools] of changes) {
    if (tools === null) servers.delete(id);
    else servers.set(id, sorted(tools));
  }
  return `${JSON.stringify({ version: 1, servers: sorted(Object.fromEntries(servers)) }, null, 2)}\n`;
}

function read(source: string | undefined): ToolLockFile {
  if (source === undefined) return { version: 1, servers: {} };
  try {
    return toolLockFileSchema.parse(JSON.parse(source));
  } catch (error) {
    const why = error instanceof Error ? (error.message.split("\n")[0] ?? "") : "";
    throw invalidPayload([
      fieldError(
        toolLockPath,
        `cannot be read, so it cannot be added to: ${why}. Mend it on the live branch`,
        `não pode ser lido, então nada pode ser acrescentado: ${why}. Corrija-o na branch ativa`,
      ),
    ]);
  }
}

const sorted = <T>(record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** The step that writes the lock; none when nothing in it changes. */
export function lockStep(
  snapshot: Snapshot,
  changes: ReadonlyMap<string, Locked | null>,
  dependsOn: string[] = [],
): DraftStep[] {
  const source = snapshot.files.get(toolLockPath)?.source;
  const contents = withTools(source, changes);
  const isThere = [...changes].some(([id, tools]) => tools !== null || id in snapshot.toolLock.servers);
  if (!isThere || contents === source) return [];
  return [
    writeStep(
      "lock-tools",
      text("Write the tool lock", "Gravar a trava de ferramentas"),
      text(
        "Only tools with these names, descriptions and schemas are offered from then on.",
        "A partir daí só ferramentas com estes nomes, descrições e esquemas são oferecidas.",
      ),
      { path: toolLockPath, contents },
      dependsOn,
    ),
  ];
}
