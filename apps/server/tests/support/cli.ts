import { readFileSync, writeFileSync } from "node:fs";
import { runCli } from "../../src/cli/run.ts";

/** Runs the command line as a person does. Returns its exit code, and what it printed. */
export async function ciclo(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: "", err: "" };
  const code = await runCli(args, {
    out: (line) => void (said.out += `${line}\n`),
    err: (line) => void (said.err += `${line}\n`),
    readInput: () => Promise.resolve(""),
    readFile: (path) => Promise.resolve(readFileSync(path, "utf8")),
    readBytes: (path) => Promise.resolve(readFileSync(path)),
    writeFile: (path, contents) => Promise.resolve(writeFileSync(path, contents)),
    paint: (_, text) => text,
  });
  return { code, ...said };
}
