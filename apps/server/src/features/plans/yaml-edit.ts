import { isDeepStrictEqual } from "node:util";
import { type Document, isCollection, isMap, isScalar, parse, parseDocument, stringify, visit } from "yaml";
import { type Json, type JsonObject, isObject } from "./json.ts";
import { editTokens } from "./yaml-tokens.ts";

/** Applies an RFC 7396 merge patch to YAML source. Whatever it leaves as it is keeps every character. */
export const mergePatchYaml = (source: string, patch: JsonObject): string =>
  editYaml(source, (value) => mergePatch(value, patch));

/** Appends an item to the list under a key, made when missing. */
export const appendYaml = (source: string, key: string, item: JsonObject): string =>
  editYaml(source, (value) => ({ ...value, [key]: [...listUnder(value, key), withoutNulls(item)] }));

/** Takes the items out of the list under a key whose field has a value. */
export const removeYamlItem = (source: string, key: string, field: string, value: string): string =>
  editYaml(source, (whole) =>
    Array.isArray(whole[key])
      ? { ...whole, [key]: whole[key].filter((item) => !(isObject(item) && item[field] === value)) }
      : whole,
  );

/** `mergePatchYaml` for the first item of the list under a key whose field has a value. Nothing when there is none. */
export function mergeYamlItem(
  source: string,
  key: string,
  { field, value, patch }: { field: string; value: string; patch: JsonObject },
): string {
  return editYaml(source, (whole) => {
    const list = listUnder(whole, key);
    const meant = list.findIndex((item) => isObject(item) && item[field] === value);
    if (meant < 0) return whole;
    return { ...whole, [key]: list.map((item, index) => (index === meant ? mergePatch(item, patch) : item)) };
  });
}

/** A new file, in the order its keys were given. */
export const writeYaml = (value: JsonObject): string => stringify(value, { lineWidth: 0 });

/**
 * Changes what YAML source says, and of its characters only those of what changes: comments, order, quotes, blank
 * lines, indentation and line ends of everything else stay. Where that cannot be done token by token (no block map
 * at the top, an anchor that others refer to), the `yaml` library rewrites the document, with its comments.
 */
function editYaml(source: string, change: (value: JsonObject) => JsonObject): string {
  const isCrlf = source.includes("\r\n");
  const text = isCrlf ? source.replaceAll("\r\n", "\n") : source;
  const read: unknown = parse(text);
  const before = isObject(read) ? read : {};
  const after = change(before);
  if (isDeepStrictEqual(before, after)) return source;
  const tokenwise = editTokens(text, before, after);
  const edited = tokenwise !== null && says(tokenwise, after) ? tokenwise : writeAnew(text, before, after);
  return isCrlf ? edited.replaceAll("\n", "\r\n") : edited;
}

function says(text: string, value: Json): boolean {
  const document = parseDocument(text);
  return document.errors.length === 0 && isDeepStrictEqual(document.toJS(), value);
}

function writeAnew(text: string, before: JsonObject, after: JsonObject): string {
  const document = parseDocument(text);
  if (!isMap(document.contents)) return writeYaml(after);
  // What an anchor stands for may change: what referred to it says so itself.
  visit(document, { Alias: (_, alias) => document.createNode(alias.resolve(document)?.toJS(document)) });
  changeMap(document, [], before, after);
  return document.toString({ lineWidth: 0 });
}

function changeMap(document: Document.Parsed, at: string[], before: JsonObject, after: JsonObject): void {
  for (const key of Object.keys(before).filter((name) => !(name in after))) document.deleteIn([...at, key]);
  for (const [key, value] of Object.entries(after)) {
    const old = before[key];
    const path = [...at, key];
    if (isDeepStrictEqual(old, value)) continue;
    if (isObject(old) && isObject(value) && isMap(document.getIn(path)))
      changeMap(document, path, old, value);
    else document.setIn(path, withComment(document, path, value));
  }
}

/** A new value with the comment behind the old one. */
function withComment(document: Document.Parsed, path: string[], value: Json | undefined): unknown {
  const node = document.createNode(value);
  const old = document.getIn(path, true);
  if (isScalar(old) && isScalar(node)) node.comment = old.comment ?? null;
  if (isCollection(old) && isCollection(node) && old.flow === true) node.flow = true;
  return node;
}

/** RFC 7396, section 2. */
function mergePatch(target: Json | undefined, patch: JsonObject): JsonObject {
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = isObject(value) ? mergePatch(merged[key], value) : value;
  }
  return merged;
}

const withoutNulls = (item: JsonObject): JsonObject => mergePatch({}, item);

const listUnder = (value: JsonObject, key: string): Json[] => {
  const list = value[key];
  return Array.isArray(list) ? list : [];
};
