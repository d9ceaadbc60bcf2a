import { type Text, text } from "@ciclo/contract";

/** Whose word of an agent's calls stands in a report: its log's, its exports', or both. */
export type ToldBy = "log" | "otlp";

const cutInExports = text(
  "Streams that were cut are in no export.",
  "Streams interrompidos não estão em exportação nenhuma.",
);

/** What an agent's own words leave out; nothing of agents that were not looked at. */
export function gapsOf(agent: string, toldBy: readonly ToldBy[]): Text[] {
  const gaps = Object.hasOwn(knownGaps, agent) ? knownGaps[agent] : undefined;
  return gaps === undefined ? [] : toldBy.map((source) => gaps[source]);
}

/** As it was seen against the wire. The metering endpoint leaves out none of it. */
const knownGaps: Readonly<Record<string, Readonly<Record<ToldBy, Text>>>> = {
  "claude-code": {
    log: text(
      "Its log has no line for compaction and for streams that were cut; of a cancelled answer it has the input, and one token of output.",
      "O log dele não tem linha para compactação nem para streams interrompidos; de uma resposta cancelada tem a entrada e um token de saída.",
    ),
    otlp: text(
      "Of a stream that was cut its export has the cost, and no tokens.",
      "De um stream interrompido a exportação dele tem o custo, e nenhum token.",
    ),
  },
  codex: {
    log: text(
      "A sub-agent that is still running when the session ends is in no log, and neither are streams that were cut.",
      "Um subagente ainda em execução quando a sessão termina não está em log nenhum, nem streams interrompidos.",
    ),
    otlp: cutInExports,
  },
  "gemini-cli": {
    log: text(
      "It deletes session files at its next start: calls of files that were gone before they were read are missing, and streams that were cut.",
      "Ele apaga arquivos de sessão na próxima partida: faltam chamadas de arquivos apagados antes de lidos e streams interrompidos.",
    ),
    otlp: cutInExports,
  },
  "qwen-code": {
    log: text("Streams that were cut are in no log.", "Streams interrompidos não estão em log nenhum."),
    otlp: cutInExports,
  },
  opencode: {
    log: text(
      "Calls that make titles of sessions are stored nowhere, and neither are streams that were cut.",
      "Chamadas que geram títulos de sessão não são guardadas em lugar nenhum, nem streams interrompidos.",
    ),
    otlp: text(
      "It ends before it has exported the last call of a session.",
      "Ele termina antes de exportar a última chamada de uma sessão.",
    ),
  },
  "copilot-cli": {
    log: text(
      "Calls that were cut or cancelled are in no log.",
      "Chamadas interrompidas ou canceladas não estão em log nenhum.",
    ),
    otlp: cutInExports,
  },
};
