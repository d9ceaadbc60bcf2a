// Reads source files as JSON from standard input and writes the mutants that Stryker makes of some of their lines: null for a file
// that it cannot read. It runs in the sandbox: what an agent wrote may take a parser any time and memory.
import { json } from "node:stream/consumers";
import { Instrumenter } from "@stryker-mutator/instrumenter";

const no = () => false;
const nothing = () => {};
const logger = {
  isTraceEnabled: no,
  isDebugEnabled: no,
  isInfoEnabled: no,
  isWarnEnabled: no,
  isErrorEnabled: no,
  isFatalEnabled: no,
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
};

/** Of a file that was generated there may be any number. */
const mostOfFile = 5000;

/** @typedef {{ path: string; source: string; lines: number[] }} SourceFile */

/** What ends a line for Babel, which counts lines from 0 and columns in UTF-16 units. */
const lineEnd = /\r\n|[\n\r\u2028\u2029]/g;

/** @param {SourceFile} file */
async function mutantsOf({ path, source, lines }) {
  const wanted = new Set(lines);
  const begins = [0, ...[...source.matchAll(lineEnd)].map(({ index, 0: end }) => index + end.length)];
  /** @param {{ line: number; column: number }} place */
  const offset = ({ line, column }) => (begins[line] ?? source.length) + column;
  /** The number of the line, as git counts them. */
  const numbers = new Uint32Array(source.length + 1);
  for (let at = 0, line = 1; at <= source.length; at += 1) {
    numbers[at] = line;
    if (source[at] === "\n") line += 1;
  }
  const files = [{ name: path, content: source, mutate: true }];
  const options = { plugins: null, excludedMutations: [], ignorers: [] };
  try {
    const { mutants } = await new Instrumenter(logger).instrument(files, options);
    // `// Stryker disable` is the author's word, and leaves the replacement there: such mutants count like all others.
    return mutants
      .map(({ location: { start, end }, replacement }) => ({
        start: offset(start),
        end: offset(end),
        to: replacement,
      }))
      .filter(({ start }) => wanted.has(numbers[start] ?? 0))
      .slice(0, mostOfFile);
  } catch {
    // It is no program of this language, or one that a parser cannot hold.
    return null;
  }
}

const files = /** @type {SourceFile[]} */ (await json(process.stdin));
const made = [];
for (const file of files) made.push(await mutantsOf(file));
process.stdout.write(JSON.stringify(made));
