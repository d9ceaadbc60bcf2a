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

/** @param {SourceFile} file */
async function mutantsOf({ path, source, lines }) {
  const wanted = new Set(lines);
  const files = [{ name: path, content: source, mutate: true }];
  const options = { plugins: null, excludedMutations: [], ignorers: [] };
  try {
    const { mutants } = await new Instrumenter(logger).instrument(files, options);
    // `// Stryker disable` is the author's word, and leaves the replacement there: such mutants count like all others.
    return mutants
      .filter(({ location: { start } }) => wanted.has(start.line + 1))
      .slice(0, mostOfFile)
      .map(({ location: { start, end }, replacement }) => ({ start, end, to: replacement }));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

const files = /** @type {SourceFile[]} */ (await json(process.stdin));
const made = [];
for (const file of files) made.push(await mutantsOf(file));
process.stdout.write(JSON.stringify(made));
