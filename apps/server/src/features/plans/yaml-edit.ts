import {
  type Document,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  stringify,
} from "yaml";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

type Path = (string | number)[];
type Splice = { start: number; end: number; text: string };

/**
 * Applies an RFC 7396 merge patch to YAML source. Comments, key order and line ends stay.
 * Where only scalars change, nothing but their characters does; where keys come or go,
 * the document is written anew by the `yaml` library.
 */
export function mergePatchYaml(source: string, patch: JsonObject): string {
  const crlf = source.includes("\r\n");
  const text = crlf ? source.replaceAll("\r\n", "\n") : source;
  const document = parseDocument(text);
  const splices = scalarSplices(document, patch);
  const edited = splices === null ? rewrite(document, text, patch) : applySplices(text, splices);
  return crlf ? edited.replaceAll("\n", "\r\n") : edited;
}

/** Appends an item to a sequence, made when missing. Comments and order stay. */
export function appendYaml(source: string, path: readonly string[], item: JsonObject): string {
  const document = parseDocument(source);
  const list = document.getIn(path);
  if (isSeq(list)) {
    list.flow = false;
    list.items.push(document.createNode(item));
  } else {
    document.setIn(path, [item]);
  }
  return document.toString(style(source));
}

/** Takes the items of a sequence out whose field has a value. Comments and order stay. */
export function removeYamlItem(
  source: string,
  path: readonly string[],
  field: string,
  value: string,
): string {
  const document = parseDocument(source);
  const list = document.getIn(path);
  if (!isSeq(list)) return source;
  list.items = list.items.filter((item) => !(isMap(item) && item.get(field) === value));
  if (list.items.length === 0) list.flow = true;
  return document.toString(style(source));
}

/** A new file, in the order its keys were given. */
/** `mergePatchYaml` for the item of a sequence whose field has a value. Nothing when there is none. */
export function mergeYamlItem(
  source: string,
  path: readonly string[],
  { field, value, patch }: { field: string; value: string; patch: JsonObject },
): string {
  const document = parseDocument(source);
  const list = document.getIn(path);
  if (!isSeq(list)) return source;
  const index = list.items.findIndex((item) => isMap(item) && item.get(field) === value);
  if (index < 0) return source;
  mergeInto(document, [...path, index], patch);
  return document.toString(style(source));
}

export const writeYaml = (value: JsonObject): string => stringify(value, { lineWidth: 0 });

/** The replacements that a patch of scalars for scalars amounts to; null when it does more. */
function scalarSplices(document: Document.Parsed, patch: JsonObject): Splice[] | null {
  const splices: Splice[] = [];
  const visit = (node: unknown, changes: JsonObject): boolean =>
    isMap(node) &&
    Object.entries(changes).every(([key, value]) => {
      const current = node.get(key, true) as Node | undefined;
      if (isObject(value)) return visit(current, value);
      if (!isScalar(current) || current.anchor !== undefined || value === null || Array.isArray(value))
        return false;
      if (current.value === value) return true;
      const [start, end] = current.range ?? [0, 0];
      splices.push({ start, end, text: stringify(value, { lineWidth: 0 }).trimEnd() });
      return start < end && !isBlock(current.type);
    });
  return visit(document.contents, patch) && splices.every(({ text }) => !text.includes("\n"))
    ? splices
    : null;
}

/** `|` and `>` scalars span lines whose indentation is theirs. */
const isBlock = (type: string | null | undefined): boolean => type?.startsWith("BLOCK") ?? false;

const applySplices = (text: string, splices: Splice[]): string =>
  splices
    .toSorted((a, b) => b.start - a.start)
    .reduce((edited, splice) => edited.slice(0, splice.start) + splice.text + edited.slice(splice.end), text);

function rewrite(document: Document.Parsed, source: string, patch: JsonObject): string {
  mergeInto(document, [], patch);
  return document.toString(style(source));
}

function mergeInto(document: Document.Parsed, path: Path, patch: JsonObject): void {
  for (const [key, value] of Object.entries(patch)) {
    const at = [...path, key];
    if (value === null) document.deleteIn(at);
    else if (isObject(value) && isMap(document.getIn(at))) mergeInto(document, at, value);
    else document.setIn(at, replacement(document, at, value));
  }
}

/** A new value with the comment behind the old one. */
function replacement(document: Document.Parsed, at: Path, value: Json): unknown {
  const node = document.createNode(withoutNulls(value));
  const old = document.getIn(at, true);
  if (isScalar(old) && isScalar(node)) node.comment = old.comment ?? null;
  if (isCollection(old) && isCollection(node) && old.flow === true) node.flow = true;
  return node;
}

/** RFC 7396: a null inside a new object removes, so it is not written. */
function withoutNulls(value: Json): Json {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null)
      .map(([key, item]) => [key, withoutNulls(item)]),
  );
}

/** Writes lists as the source does: indented or not; and never folds lines. */
const style = (source: string) => ({
  lineWidth: 0,
  indentSeq: !/^(\s*)[^\s#-][^\n]*:\s*(#[^\n]*)?\n\1- /m.test(source),
  flowCollectionPadding: !/\[[^\s\]]/.test(source),
});

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
