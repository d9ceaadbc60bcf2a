import { type Text, text } from "@ciclo/contract";

/** What agents' own words leave out, as it was seen against the wire. The metering endpoint leaves out none of it. */
export const knownGaps: Readonly<Record<string, Text>> = {
  "claude-code": text(
    "Its log has no line for compaction and for streams that were cut; of a cancelled answer it has the input, and one token of output.",
    "O log dele não tem linha para compactação nem para streams interrompidos; de uma resposta cancelada tem a entrada e um token de saída.",
  ),
  codex: text(
    "A sub-agent that is still running when the session ends is in no log, and neither are streams that were cut.",
    "Um subagente ainda em execução quando a sessão termina não está em log nenhum, nem streams interrompidos.",
  ),
  "gemini-cli": text(
    "It deletes session files at its next start: calls of files that were gone before they were read are missing, and streams that were cut.",
    "Ele apaga arquivos de sessão na próxima partida: faltam chamadas de arquivos apagados antes de lidos e streams interrompidos.",
  ),
  "qwen-code": text("Streams that were cut are in no log.", "Streams interrompidos não estão em log nenhum."),
  opencode: text(
    "Calls that make titles of sessions are stored nowhere, and neither are streams that were cut.",
    "Chamadas que geram títulos de sessão não são guardadas em lugar nenhum, nem streams interrompidos.",
  ),
  "copilot-cli": text(
    "Calls that were cut or cancelled are in no log.",
    "Chamadas interrompidas ou canceladas não estão em log nenhum.",
  ),
};
