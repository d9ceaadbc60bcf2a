import { configFileKind, configFileSchemas, policyKinds, type Text, text } from "@ciclo/contract";
import { type Document, isMap, isNode, isPair, LineCounter, type ParsedNode, parseDocument } from "yaml";
import type { LocalFieldError } from "../../errors.ts";
import { fieldErrors } from "../../lib/validation.ts";

type Kind = NonNullable<ReturnType<typeof configFileKind>>;

/** A parsed file, or what is wrong with it: `path` is `file:line`. */
export type CheckedFile =
  | { ok: true; kind: Kind | null; value: unknown }
  | { ok: false; kind: Kind | null; errors: LocalFieldError[] };

/** Bound on aliases, against documents that grow when they are resolved. */
const maxAliases = 100;

/** Parses a configuration file by the schema of its kind. Files of no kind are taken as they are. */
export function checkConfigFile(path: string, source: string): CheckedFile {
  const kind = configFileKind(path);
  if (kind === null) return { ok: true, kind, value: source };
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, uniqueKeys: true });
  const at = (line: number): string => `${path}:${line}`;
  if (document.errors.length > 0) {
    const errors = document.errors.map((error) => {
      const said = error.message.split(" at line ")[0] ?? error.message;
      return { path: at(lines.linePos(error.pos[0]).line), message: text(said, said) };
    });
    return { ok: false, kind, errors };
  }
  const resolved = resolve(document);
  if ("problem" in resolved) return { ok: false, kind, errors: [{ path: at(1), message: resolved.problem }] };
  const { value } = resolved;
  const parsed = configFileSchemas[kind].safeParse(value);
  const errors = parsed.success
    ? nameErrors(path, kind, value, lines, document)
    : fieldErrors(parsed.error).map((error) => locate(error, path, document, lines));
  return errors.length > 0 || !parsed.success
    ? { ok: false, kind, errors }
    : { ok: true, kind, value: parsed.data };
}

/** The document's value; aliases that lead nowhere or grow too far are its problem, not ours. */
function resolve(document: Document.Parsed): { value: unknown } | { problem: Text } {
  try {
    return { value: document.toJS({ maxAliasCount: maxAliases }) };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    return { problem: text(error.message, error.message) };
  }
}

/**
 * The name inside a file must be that of its place. So must the kind of a policy that the console looks for
 * by that name: as another kind it would count for nothing, and nobody would be told.
 */
function nameErrors(
  path: string,
  kind: Kind,
  value: unknown,
  lines: LineCounter,
  document: Document.Parsed,
): LocalFieldError[] {
  if (kind !== "agent" && kind !== "policy") return [];
  const expected = path.split("/")[1]?.replace(/\.yaml$/, "") ?? "";
  const isSought = (policyKinds as readonly string[]).includes(expected);
  const fields = kind === "agent" ? ["name"] : isSought ? ["id", "kind"] : ["id"];
  const message = text(`must be ${expected}, as the path says`, `deve ser ${expected}, como diz o caminho`);
  return fields
    .filter((field) => (value as Record<string, unknown>)[field] !== expected)
    .map((field) => locate({ path: field, message }, path, document, lines));
}

function locate(
  error: LocalFieldError,
  path: string,
  document: Document.Parsed,
  lines: LineCounter,
): LocalFieldError {
  const offset = offsetOf(document, error.path.split("."));
  const field: Text = text(`${error.path}: ${error.message.en}`, `${error.path}: ${error.message["pt-BR"]}`);
  return { path: `${path}:${lines.linePos(offset).line}`, message: field };
}

/** Where the deepest part of a field path that exists begins. */
function offsetOf(document: Document.Parsed, segments: string[]): number {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const segment of segments) {
    const found = childOf(node, segment);
    if (found === undefined) break;
    offset = startOf(found.key ?? found.value) || offset;
    node = found.value;
  }
  return offset;
}

function childOf(node: unknown, segment: string): { key?: unknown; value: unknown } | undefined {
  if (isMap(node)) {
    const pair = node.items.find((item) => isPair(item) && String(item.key) === segment);
    return pair === undefined ? undefined : { key: pair.key, value: pair.value };
  }
  const items = (node as { items?: unknown[] } | null)?.items;
  return Array.isArray(items) && /^\d+$/.test(segment) ? { value: items[Number(segment)] } : undefined;
}

const startOf = (node: unknown): number => (isNode(node) ? ((node as ParsedNode).range?.[0] ?? 0) : 0);
