import type { TestFailure } from "../test-run.ts";

/** Kept of what a runner says of a failure. */
const longestMessage = 4000;

/** How languages say that a module or a name is not there; the name is what they quote. */
const missing: readonly RegExp[] = [
  /Cannot find (?:module|package) ['"`]([^'"`]+)['"`]/,
  /Failed to (?:resolve import|load url) ['"]?([^'"\s]+)['"]?/,
  /does not provide an export named ['"`]([^'"`]+)['"`]/,
  /Could not resolve ['"]([^'"]+)['"]/,
  /(?:^|[\s(])((?:[\w$]+\.)*[\w$]+)\)? is not (?:a function|a constructor)/m,
  /ReferenceError: ([\w$]+) is not defined/,
  /ModuleNotFoundError: No module named ['"]([^'"]+)['"]/,
  /ImportError: cannot import name ['"]([^'"]+)['"]/,
  /AttributeError: (?:module|type object|partially initialized module) ['"][^'"]+['"].* has no attribute ['"]([^'"]+)['"]/,
  /NameError: name ['"]([^'"]+)['"] is not defined/,
  /undefined: ([\w.]+)/,
  /cannot find (?:function|value|type|struct|macro)[^`]*`([^`]+)`/,
  /unresolved import `([^`]+)`/,
];

/** Whether a failed assertion is told apart by its text. */
const assertions: readonly RegExp[] = [
  /^\s*(?:\S*\bAssertionError\b|AssertionFailedError|Assertion failed)/m,
  /\bERR_ASSERTION\b/,
  /^E?\s*assert /m,
  /\bcomparisonfailure\b/i,
];

/** What a runner's words say of a failure. `isAssertion` is what it says itself, where it does. */
export function failureOf(words: string, isAssertion?: boolean): TestFailure {
  const message = words.trim().slice(0, longestMessage);
  const isOne = isAssertion ?? assertions.some((pattern) => pattern.test(message));
  if (isOne) return { kind: "assertion", missing: null, message };
  const name = missing.map((pattern) => pattern.exec(message)?.[1]).find((found) => found !== undefined);
  return name === undefined
    ? { kind: "error", missing: null, message }
    : { kind: "missing", missing: name, message };
}

/** Colours of a terminal, which some runners write into pipes, too. */
export const withoutColours = (words: string): string =>
  // oxlint-disable-next-line no-control-regex -- they begin with one
  words.replaceAll(/\u001B\[[0-9;]*m/g, "");
