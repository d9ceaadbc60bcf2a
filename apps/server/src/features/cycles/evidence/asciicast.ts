import type { Ran } from "../sandbox/run.ts";

const columns = 120;
const mostRows = 30;
const leastRows = 8;

/**
 * A run of a command as an asciicast v2 recording: what it printed, when it printed it, and how it ended. It is of the very run
 * that counts, and holds what came through its pipes. https://docs.asciinema.org/manual/asciicast/v2/
 */
export function asciicast(
  { command, title, at }: { command: string; title: string; at: Date },
  { frames, ms, code, ended }: Pick<Ran, "frames" | "ms" | "code" | "ended">,
): Buffer {
  const lines = [
    { ms: 0, text: `$ ${command}\n` },
    ...frames,
    { ms, text: `\u001b[0m\n${ended === null ? `exit ${code}` : `ended by the console: ${ended}`}\n` },
  ].map(({ ms: when, text }): [number, "o", string] => [
    Math.round(when) / 1000,
    "o",
    // There is no terminal that would bring the next line back to its left.
    onlyAdding(text).replaceAll(/\r?\n/g, "\r\n"),
  ]);
  const header = {
    version: 2,
    width: columns,
    height: Math.min(
      mostRows,
      Math.max(
        leastRows,
        lines.reduce((sum, [, , text]) => sum + rowsOf(text), 1),
      ),
    ),
    timestamp: Math.floor(at.getTime() / 1000),
    title,
    command,
  };
  return Buffer.from([header, ...lines].map((line) => `${JSON.stringify(line)}\n`).join(""));
}

const rowsOf = (text: string): number => text.split("\n").length - 1;

/* oxlint-disable no-control-regex -- control characters are what is looked for */
/** Sequences that change colours; `8` would hide what follows. */
const colours = /^\u001b\[(?!(?:[\d;]*;)?8(?:;|m))[\d;]*m$/;
const sequences =
  /\u001b\[[0-?]*[ -/]*[@-~]|\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[ -/]*[0-~]?|[\u0000-\u0007\u000b\u000c\u000e-\u001a\u001c-\u001f\u007f-\u009f]/g;

/**
 * What a program printed, without all by which it could move, clear or repaint a screen: a recording is evidence, and what was
 * printed once stays to be seen. A line may still be written over from its beginning, as progress bars do.
 */
const onlyAdding = (text: string): string =>
  text.replaceAll(sequences, (found) => (colours.test(found) ? found : ""));
