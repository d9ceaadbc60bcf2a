import {
  applyEdits,
  createScanner,
  type Edit,
  findNodeAtLocation,
  type JSONPath,
  modify,
  type Node,
  parseTree,
} from "jsonc-parser";

/** Edits of JSON with comments, as editors keep it. What is not edited keeps its characters, comments too. */

/** Sets a member, made at the end of its object where it is missing. */
export function setMember(source: string, path: JSONPath, value: unknown): string {
  const isTabbed = /^\t/m.test(source);
  const tabSize = /^( +)\S/m.exec(source)?.[1]?.length ?? 2;
  const eol = source.includes("\r\n") ? "\r\n" : "\n";
  const formattingOptions = { insertSpaces: !isTabbed, tabSize, eol };
  return applyEdits(source, modify(source, path, value, { formattingOptions }));
}

/** Takes a member out, every time that it is there, with the comment above it and the one behind it on its line. */
export function removeMember(source: string, path: JSONPath): string {
  for (let text = source; ;) {
    const tree = parseTree(text, [], { allowTrailingComma: true });
    const property = tree === undefined ? undefined : findNodeAtLocation(tree, path)?.parent;
    if (property === undefined) return text;
    text = applyEdits(text, removalOf(text, property));
  }
}

/** Of jsonc-parser's `SyntaxKind`, a const enum that TypeScript lets no module import as a value. */
const kinds = { comma: 5, lineComment: 12, blockComment: 13, lineBreak: 14, blank: 15, end: 17 };
type Token = { kind: number; start: number; end: number };
const blank = new Set([kinds.blank, kinds.lineBreak]);
const comment = new Set([kinds.lineComment, kinds.blockComment]);

function removalOf(text: string, property: Node): Edit[] {
  const tokens = tokensOf(text);
  const first = tokens.findIndex(({ start }) => start === property.offset);
  const last = tokens.findIndex(({ end }) => end === property.offset + property.length);
  const behind = skip(tokens, last + 1, 1);
  const hasComma = tokens[behind]?.kind === kinds.comma;
  const from = startOfLines(tokens, first);
  const to = endOfLine(tokens, hasComma ? behind : last);
  const whole = { offset: tokens[from]?.start ?? 0, content: "" };
  const edits: Edit[] = [{ ...whole, length: (tokens[to]?.end ?? text.length) - whole.offset }];
  const before = skip(tokens, first - 1, -1);
  const comma = tokens[before];
  // The last of several: what is the last now needs no comma.
  if (!hasComma && comma?.kind === kinds.comma) {
    edits.unshift({ offset: comma.start, length: comma.end - comma.start, content: "" });
  }
  return edits;
}

/** The next token, in one direction, that is neither blank nor a comment. */
function skip(tokens: readonly Token[], from: number, by: 1 | -1): number {
  let at = from;
  for (let kind = tokens[at]?.kind; kind !== undefined && (blank.has(kind) || comment.has(kind));) {
    at += by;
    kind = tokens[at]?.kind;
  }
  return at;
}

/** Where the lines begin that belong to a member: its own, and comments on lines of their own right above. */
function startOfLines(tokens: readonly Token[], member: number): number {
  let start = member;
  for (let at = member - 1; at >= 0; at -= 1) {
    const kind = tokens[at]?.kind;
    if (kind === kinds.lineBreak) {
      const line = lineBefore(tokens, at);
      if (start === member && tokens[member - 1]?.kind === kinds.blank) start = member - 1;
      if (line === null) return start;
      at = line + 1;
      start = line;
    } else if (kind !== kinds.blank) {
      return start;
    }
  }
  return start;
}

/** The first token of the line that ends here, where nothing but comments is on it. */
function lineBefore(tokens: readonly Token[], lineBreak: number): number | null {
  let at = lineBreak - 1;
  let hasComment = false;
  for (; at >= 0 && tokens[at]?.kind !== kinds.lineBreak; at -= 1) {
    const kind = tokens[at]?.kind;
    if (kind === undefined || (!comment.has(kind) && kind !== kinds.blank)) return null;
    hasComment ||= comment.has(kind);
  }
  return hasComment ? at + 1 : null;
}

/** The last token of the line that goes with a token: blanks, a comment, and the line's end. */
function endOfLine(tokens: readonly Token[], from: number): number {
  let at = from;
  for (let next = tokens[at + 1]; next !== undefined; next = tokens[at + 1]) {
    if (next.kind === kinds.lineBreak) return at + 1;
    if (next.kind !== kinds.blank && !comment.has(next.kind)) return from;
    at += 1;
  }
  return from;
}

function tokensOf(text: string): Token[] {
  const scanner = createScanner(text);
  const tokens: Token[] = [];
  for (let kind: number = scanner.scan(); kind !== kinds.end; kind = scanner.scan()) {
    const start = scanner.getTokenOffset();
    tokens.push({ kind, start, end: start + scanner.getTokenLength() });
  }
  return tokens;
}
