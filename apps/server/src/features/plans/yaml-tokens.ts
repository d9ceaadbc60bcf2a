import { isDeepStrictEqual } from "node:util";
import { CST, isScalar, parseDocument, Parser, stringify } from "yaml";
import { isObject, type Json, type JsonObject } from "./json.ts";

type Item = CST.CollectionItem;
type Block = CST.BlockMap | CST.BlockSequence;
/** How the source writes lists: indented under their key or not, and with spaces within brackets or without. */
type Layout = { lineWidth: 0; indentSeq: boolean; flowCollectionPadding: boolean };

/**
 * The source with the tokens changed that differ between two values; null where that cannot be done. The result may
 * still say something else (an anchor that others refer to was changed): the caller reads it again.
 */
export function editTokens(source: string, before: JsonObject, after: JsonObject): string | null {
  const tokens = [...new Parser().parse(source)];
  const documents = tokens.filter((token) => token.type === "document");
  const [document] = documents;
  if (documents.length !== 1 || document?.value?.type !== "block-map") return null;
  if (Object.keys(after).length === 0) return null;
  changeMap(document.value, before, after, layoutOf(source));
  return tokens.map((token) => CST.stringify(token)).join("");
}

function changeMap(map: CST.BlockMap, before: JsonObject, after: JsonObject, layout: Layout): void {
  const gone = new Set<string | null>(Object.keys(before).filter((key) => !(key in after)));
  for (const item of map.items.filter((each) => gone.has(keyOf(each)))) remove(map, item);
  for (const [key, value] of Object.entries(after)) {
    const item = map.items.find((each) => each.key != null && keyOf(each) === key);
    if (item === undefined) push(map, written({ [key]: value }, map.indent, layout));
    else changeItem(map, item, { key, before: before[key] ?? null, after: value }, layout);
  }
}

type Change = { key: string | null; before: Json; after: Json };

function changeItem(parent: Block, item: Item, change: Change, layout: Layout): void {
  const { key, before, after } = change;
  if (isDeepStrictEqual(before, after)) return;
  const { value } = item;
  if (value?.type === "block-map" && isObject(before) && isObject(after) && Object.keys(after).length > 0) {
    changeMap(value, before, after, layout);
  } else if (
    value?.type === "block-seq" &&
    Array.isArray(before) &&
    changeList(value, before, after, layout)
  ) {
    return;
  } else if (setScalar(item, after, false) || setWithinBraces(item, before, after)) {
    return;
  } else {
    const isFlow = value?.type === "flow-collection" && value.items.length > 0;
    replace(item, written(key === null ? [after] : { [key]: after }, parent.indent, layout, isFlow));
  }
}

/** Items that came at the end, went, or changed in place; false for any other change. */
function changeList(list: CST.BlockSequence, before: Json[], after: Json, layout: Layout): boolean {
  if (!Array.isArray(after) || after.length === 0) return false;
  const items = list.items.filter(({ start }) => start.some(({ type }) => type === "seq-item-ind"));
  if (items.length !== before.length) return false;
  const isStart = before.every((each, index) => isDeepStrictEqual(each, after[index]));
  if (isStart) {
    for (const each of after.slice(before.length)) push(list, written([each], list.indent, layout));
    return true;
  }
  if (after.length === before.length) {
    for (const [index, item] of items.entries()) {
      changeItem(
        list,
        item,
        { key: null, before: before[index] ?? null, after: after[index] ?? null },
        layout,
      );
    }
    return true;
  }
  const gone = itemsGone(before, after);
  if (gone === null) return false;
  for (const index of gone) {
    const item = items[index];
    if (item !== undefined) remove(list, item);
  }
  return true;
}

/** Which items of a list went, so that the others are what is left; null where others came. */
function itemsGone(before: readonly Json[], after: readonly Json[]): number[] | null {
  const gone: number[] = [];
  let kept = 0;
  for (const [index, each] of before.entries()) {
    if (kept < after.length && isDeepStrictEqual(each, after[kept])) kept += 1;
    else gone.push(index);
  }
  return kept === after.length ? gone : null;
}

/** A scalar on one line in the place of one; its comment and its quotes stay. */
function setScalar({ value }: Item, after: Json, isWithinBrackets: boolean): boolean {
  if (value == null || !CST.isScalar(value) || value.type === "block-scalar" || value.type === "alias")
    return false;
  if (typeof after === "object" || String(after).includes("\n") || value.source.includes("\n")) return false;
  const text = stringify(after, { lineWidth: 0 }).trimEnd();
  const isQuoted = value.type !== "scalar" && typeof after === "string";
  const written = parseDocument(text).contents;
  const type = typeof after === "string" && isScalar(written) ? (written.type ?? "PLAIN") : "PLAIN";
  CST.setScalarValue(value, typeof after === "string" ? after : text, {
    inFlow: isWithinBrackets,
    implicitKey: true,
    ...(isQuoted ? {} : { type }),
  });
  return true;
}

/** `{ a: 1 }` where only scalars change. */
function setWithinBraces({ value }: Item, before: Json, after: Json): boolean {
  if (value?.type !== "flow-collection" || !isObject(before) || !isObject(after)) return false;
  if (!isDeepStrictEqual(Object.keys(before), Object.keys(after))) return false;
  const changed = Object.keys(after).filter((key) => !isDeepStrictEqual(before[key], after[key]));
  const items = changed.map((key) => value.items.find((item) => item.key != null && keyOf(item) === key));
  const canSet = items.every((item) => item?.value != null && CST.isScalar(item.value));
  return (
    canSet &&
    changed.every((key, index) => setScalar(items[index] ?? { start: [] }, after[key] ?? null, true))
  );
}

/** The only item of a map or a list as the library writes it, at an indentation. */
function written(value: JsonObject | Json[], indent: number, layout: Layout, isFlow = false): Item {
  const margin = " ".repeat(indent);
  const text = isFlow ? lineOf(value, layout) : stringify(value, layout);
  const tokens = [...new Parser().parse(text.replaceAll(/^(?=.)/gm, margin))];
  const block = tokens.find((token) => token.type === "document")?.value;
  const item = block?.type === "block-map" || block?.type === "block-seq" ? block.items[0] : undefined;
  if (item === undefined) throw new Error("nothing was written");
  if (indent > 0) item.start.unshift({ type: "space", offset: -1, indent, source: margin });
  return item;
}

/** The same on one line, what it holds within brackets. */
function lineOf(value: JsonObject | Json[], layout: Layout): string {
  const [key, held] = Object.entries(value)[0] ?? ["", null];
  const name = Array.isArray(value) ? "-" : `${stringify(key).trimEnd()}:`;
  return `${name} ${stringify(held, { ...layout, collectionStyle: "flow" })}`;
}

/** Behind the last item, before comments at the end. */
function push(block: Block, item: Item): void {
  const items: Item[] = block.items;
  const last = items.findLastIndex((each) => each.value != null || each.key != null || hasMark(each));
  const before = items[last];
  if (before !== undefined && !CST.stringify(before).endsWith("\n")) item.start.unshift(newline());
  items.splice(last + 1, 0, item);
}

const hasMark = ({ start }: Item): boolean => start.some(({ type }) => type === "seq-item-ind");
const newline = (): CST.SourceToken => ({ type: "newline", offset: -1, indent: 0, source: "\n" });

/** An item with the comment lines right above it; what stands above a blank line stays. */
function remove(block: Block, item: Item): void {
  const items: Item[] = block.items;
  const index = items.indexOf(item);
  const kept = item.start.slice(0, lastBlankLine(item.start));
  items.splice(index, 1);
  const next = items[index];
  if (next === undefined) {
    if (kept.some(({ type }) => type === "comment")) items.push({ start: kept });
    return;
  }
  // The indentation of a block's first item belongs to what holds the block.
  if (index === 0) {
    while (next.start[0]?.type === "newline") next.start.shift();
    if (next.start[0]?.type === "space") next.start.shift();
  }
  // One blank line where there were two.
  if (kept.length > 0 && next.start[0]?.type === "newline") next.start.shift();
  next.start.unshift(...kept);
}

/** Behind which token the lines begin that belong to what follows. */
function lastBlankLine(start: readonly CST.SourceToken[]): number {
  const isBlank = (index: number): boolean =>
    start[index]?.type === "newline" && (index === 0 || start[index - 1]?.type === "newline");
  return start.findLastIndex((_, index) => isBlank(index)) + 1;
}

/** Another value in an item; a comment behind the old one stays. */
function replace(item: Item, by: Item): void {
  const behind = commentBehind(item);
  if (item.key == null) {
    const ofList = by.start.slice(by.start.findIndex(({ type }) => type === "seq-item-ind"));
    item.start = [
      ...item.start.slice(
        0,
        item.start.findIndex(({ type }) => type === "seq-item-ind"),
      ),
      ...ofList,
    ];
  } else {
    item.sep = by.sep ?? [];
  }
  item.value = by.value;
  const line = endOfLine(item);
  const at = line?.findIndex(({ type }) => type === "newline") ?? -1;
  if (at >= 0) line?.splice(at, 0, ...behind);
}

/** The tokens that end the line on which a value begins. */
function endOfLine({ sep, value }: Item): CST.SourceToken[] | undefined {
  if (value == null || value.type === "block-map" || value.type === "block-seq") return sep;
  if (value.type === "block-scalar") return value.props as CST.SourceToken[];
  return "end" in value ? value.end : undefined;
}

function commentBehind(item: Item): CST.SourceToken[] {
  const line = endOfLine(item) ?? [];
  const at = line.findIndex(({ type }) => type === "comment");
  return at < 0 ? [] : line.slice(line[at - 1]?.type === "space" ? at - 1 : at, at + 1);
}

function keyOf({ key }: Item): string | null {
  return key != null && CST.isScalar(key) && key.type !== "alias" && key.type !== "block-scalar"
    ? (CST.resolveAsScalar(key)?.value ?? null)
    : null;
}

const layoutOf = (source: string): Layout => ({
  lineWidth: 0,
  indentSeq: !/^(\s*)[^\s#-][^\n]*:\s*(#[^\n]*)?\n\1- /m.test(source),
  flowCollectionPadding: !/\[[^\s\]]/.test(source),
});
