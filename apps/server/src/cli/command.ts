import type { ParseArgsOptionsConfig } from "node:util";

/** Where a command reads and writes. */
export type Io = {
  out(line: string): void;
  err(line: string): void;
  readInput(): Promise<string>;
  readFile(path: string): Promise<string>;
  /** A file that is no text. */
  readBytes(path: string): Promise<Buffer>;
  writeFile(path: string, contents: string | Buffer): Promise<void>;
  /** Wraps text in a colour where standard output is a terminal. */
  paint(colour: "green" | "red" | "yellow" | "dim" | "bold", text: string): string;
};

export type Values = Record<string, string | boolean | (string | boolean)[] | undefined>;

export type Invocation = { values: Values; positionals: string[]; json: boolean; io: Io };

/** One command: how it is called, shown and run. Its result is what `--json` prints. */
export type Command = {
  /** The words that choose it: `user add`. */
  name: string;
  usage: string;
  summary: string;
  examples: string[];
  options?: ParseArgsOptionsConfig;
  /** How many positional arguments it takes. */
  takes: { min: number; max: number };
  run(invocation: Invocation): Promise<unknown>;
  /** Lines for people; the result as JSON when left out. */
  show?(result: never, io: Io): string[];
};

/** A call that does not fit a command's usage: exit code 2. */
export class UsageError extends Error {}

export const command = <R>(
  definition: Omit<Command, "run" | "show"> & {
    run(invocation: Invocation): Promise<R>;
    show?(result: R, io: Io): string[];
  },
): Command => definition;

/** A string option, or undefined. */
export function option(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

/** An option that takes a whole number, or undefined. */
export function numberOption(values: Values, name: string): number | undefined {
  const value = option(values, name);
  if (value === undefined) return undefined;
  if (!/^\d{1,9}$/.test(value)) throw new UsageError(`--${name} takes a whole number, not ${value}`);
  return Number(value);
}

/** A string option that must be there. */
export function required(values: Values, name: string): string {
  const value = option(values, name);
  if (value === undefined || value === "") throw new UsageError(`--${name} is required`);
  return value;
}

/** All values of a repeatable option. */
export function repeated(values: Values, name: string): string[] {
  const value = values[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
