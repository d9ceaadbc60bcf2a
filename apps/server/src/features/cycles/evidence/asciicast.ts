import type { Ran } from "../sandbox/run.ts";

const columns = 120;
const rows = 30;

/**
 * A run of a command as an asciicast v2 recording: what it printed, when it printed it, and how it ended. It is of the very run
 * that counts, and holds what came through its pipes. https://docs.asciinema.org/manual/asciicast/v2/
 */
export function asciicast(
  { command, title, at }: { command: string; title: string; at: Date },
  { frames, ms, code, ended }: Pick<Ran, "frames" | "ms" | "code" | "ended">,
): Buffer {
  const header = {
    version: 2,
    width: columns,
    height: rows,
    timestamp: Math.floor(at.getTime() / 1000),
    title,
    command,
  };
  const lines = [
    { ms: 0, text: `$ ${command}\n` },
    ...frames,
    { ms, text: `\n${ended === null ? `exit ${code}` : `ended by the console: ${ended}`}\n` },
  ].map(({ ms: when, text }) => [
    Math.round(when) / 1000,
    "o",
    // There is no terminal that would bring the next line back to its left.
    text.replaceAll(/\r?\n/g, "\r\n"),
  ]);
  return Buffer.from([header, ...lines].map((line) => `${JSON.stringify(line)}\n`).join(""));
}
