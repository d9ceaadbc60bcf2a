// What `import-rules.ts` reads of a file: imports, members and names, however they are written.
import type { Node } from "oxc-parser";

/** The member that an expression reads, where it can be told. */
export function memberName(node: Node): string | null {
  if (node.type !== "MemberExpression") return null;
  if (!node.computed) return node.property.type === "Identifier" ? node.property.name : null;
  return literal(node.property);
}

/** The names that a pattern takes out of an object. */
export function takenOut(node: Node): (string | null)[] {
  if (node.type !== "ObjectPattern") return [];
  return node.properties.map((each) => {
    if (each.type !== "Property") return null;
    return each.key.type === "Identifier" && !each.computed ? each.key.name : literal(each.key);
  });
}

/** A key or a member's name: not a reference to anything. */
export function isOnlyAName(node: Node, parent: Node | null): boolean {
  if (parent === null) return false;
  if (parent.type === "MemberExpression") return parent.property === node && !parent.computed;
  const keyed = parent as { key?: unknown; computed?: boolean; shorthand?: boolean };
  return keyed.key === node && keyed.computed !== true && keyed.shorthand !== true;
}

/** What a node imports; null when that cannot be told, undefined when it imports nothing. */
export function specifierOf(node: Node): string | null | undefined {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportAllDeclaration":
      return node.source.value;
    case "ExportNamedDeclaration":
      return node.source?.value;
    case "ImportExpression":
      return literal(node.source);
    case "TSImportType":
      return literal(node.source);
    case "NewExpression":
      return besideThisFile(node);
    case "MemberExpression":
      // Vite's import.meta.glob reads whole folders.
      return node.object.type === "MetaProperty" && memberName(node)?.startsWith("glob") === true
        ? null
        : undefined;
    case "TSExternalModuleReference":
      return literal(node.expression);
    default:
      return undefined;
  }
}

/** `new URL("./a.ts", import.meta.url)` names code too: a worker's, or a child process's. */
function besideThisFile(node: Node & { type: "NewExpression" }): string | undefined {
  const [path, base] = node.arguments;
  if (node.callee.type !== "Identifier" || node.callee.name !== "URL" || base?.type !== "MemberExpression")
    return undefined;
  const name = path === undefined ? null : literal(path);
  return base.object.type === "MetaProperty" && name !== null && /\.[cm]?[jt]sx?$/.test(name)
    ? name
    : undefined;
}

/** A text that is there to read, whatever is written around it. */
export function literal(node: Node): string | null {
  if (node.type === "Literal") return typeof node.value === "string" ? node.value : null;
  if (node.type === "TemplateLiteral")
    return node.expressions.length === 0 ? (node.quasis[0]?.value.cooked ?? null) : null;
  const isWrapped =
    node.type === "TSAsExpression" ||
    node.type === "TSSatisfiesExpression" ||
    node.type === "TSNonNullExpression";
  return isWrapped || node.type === "ParenthesizedExpression" ? literal(node.expression) : null;
}

export function isTypeOnly(node: Node): boolean {
  if (node.type === "TSImportType") return true;
  if (node.type === "ImportDeclaration") {
    const { importKind, specifiers } = node;
    const all =
      specifiers.length > 0 && specifiers.every((each) => "importKind" in each && each.importKind === "type");
    return importKind === "type" || all;
  }
  return "exportKind" in node && node.exportKind === "type";
}

export const isExport = ({ type }: Node): boolean =>
  type === "ExportAllDeclaration" || type === "ExportNamedDeclaration";

export function walk(
  node: Node,
  parent: Node | null,
  visit: (node: Node, parent: Node | null) => void,
): void {
  visit(node, parent);
  for (const [key, value] of Object.entries(node)) {
    if (key === "type" || typeof value !== "object" || value === null) continue;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child === "object" && child !== null && "type" in child) walk(child as Node, node, visit);
    }
  }
}
