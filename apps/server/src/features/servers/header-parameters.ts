import { type Text, text } from "@ciclo/contract";

/** The annotation of a tool's schema that has a client send an argument as a header too (MCP 2026-07-28, SEP-2243). */
export const annotation = "x-mcp-header";

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const types = new Set<unknown>(["string", "integer", "boolean"]);

type Node = { value: unknown; isProperty: boolean; isMap: boolean };

/**
 * Why a schema's header parameters cannot be sent, null when they can: a name must be an RFC 9110
 * token, used once, on a property of type string, integer or boolean that is reached through
 * `properties` alone. A client must not offer a tool with others. Without recursion.
 */
export function headerProblem(schema: unknown): Text | null {
  const seen = new Set<string>();
  const open: Node[] = [{ value: schema, isProperty: false, isMap: false }];
  let isRoot = true;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, isProperty, isMap } = next;
    if (typeof value !== "object" || value === null) continue;
    const members = value as Record<string, unknown>;
    if (!isMap && annotation in members) {
      const problem = isProperty ? declarationProblem(members, seen) : misplaced;
      if (problem !== null) return problem;
    }
    for (const [key, inner] of Object.entries(members)) {
      const reaches = key === "properties" && !isMap && (isRoot || isProperty);
      open.push({ value: inner, isProperty: isMap, isMap: reaches });
    }
    isRoot = false;
  }
  return null;
}

function declarationProblem(property: Record<string, unknown>, seen: Set<string>): Text | null {
  const name = property[annotation];
  if (typeof name !== "string" || !token.test(name)) {
    const said = JSON.stringify(name).slice(0, 100);
    return text(`${annotation} ${said} is no header name`, `${annotation} ${said} não é nome de cabeçalho`);
  }
  if (!types.has(property.type)) {
    return text(
      `${annotation} ${name} is on a property that is no string, integer or boolean`,
      `${annotation} ${name} está em uma propriedade que não é string, integer nem boolean`,
    );
  }
  if (seen.has(name.toLowerCase())) {
    return text(`${annotation} ${name} is there twice`, `${annotation} ${name} aparece duas vezes`);
  }
  seen.add(name.toLowerCase());
  return null;
}

const misplaced = text(
  `${annotation} is only for properties that are reached through properties alone`,
  `${annotation} só vale em propriedades alcançadas apenas por properties`,
);
