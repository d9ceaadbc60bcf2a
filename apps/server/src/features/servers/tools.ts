import { text, type Text, type ToolState, toolStates } from "@ciclo/contract";
import { canonicalJson, sha256 } from "../../lib/crypto.ts";
import { annotation, headerProblem } from "./header-parameters.ts";
import type { JudgedTool, ListedTool, OfferedTool } from "../../domain/servers.ts";

export type LockedTools = Readonly<Record<string, { hash: string }>>;

const maxDefinition = 512 * 1024;
const maxDepth = 64;

/** Reads a listed tool: its hash, and whether it is one to be had at all. Follows no reference. */
export function inspectTool(tool: ListedTool): OfferedTool {
  // Of the whole: nothing that is passed on may be too deep to be walked, or lead elsewhere.
  const problem = nameProblem(tool.name) ?? schemaProblem(tool) ?? headerProblem(tool.inputSchema);
  // What is too deep is not walked again to be hashed.
  const definition = problem === null ? canonicalJson(withoutDialects(tool)) : "";
  const tooLarge = definition.length > maxDefinition ? sizeProblem(definition.length) : null;
  return {
    tool,
    hash: `sha256:${sha256(definition)}`,
    coreHash: `sha256:${sha256(problem === null ? canonicalJson(coreOf(tool)) : "")}`,
    definition,
    hasHeaders: definition.includes(`"${annotation}":`),
    problem: problem ?? tooLarge,
  };
}

/** What older versions approved of a tool. */
export const coreOf = ({ name, description, inputSchema }: ListedTool): ListedTool => ({
  name,
  description,
  inputSchema,
});

/** Which dialect a schema says that it is written in changes with libraries, and means nothing to who calls. */
function withoutDialects(tool: ListedTool): Record<string, unknown> {
  const plain = (schema: unknown): unknown => {
    if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return schema;
    return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== "$schema"));
  };
  const { inputSchema, outputSchema, ...rest } = tool;
  return {
    ...rest,
    inputSchema: plain(inputSchema),
    ...(outputSchema === undefined ? {} : { outputSchema: plain(outputSchema) }),
  };
}

/** One that is not even a tool: withheld under its name, or its place in the list. It takes no other with it. */
export function oddTool(listed: unknown, index: number, why: string): OfferedTool {
  const { name } = (listed ?? {}) as { name?: unknown };
  const isNamed = typeof name === "string" && name !== "";
  return {
    tool: { name: isNamed ? name.slice(0, 200) : `(${index + 1})`, inputSchema: {} },
    hash: "",
    coreHash: "",
    definition: "",
    hasHeaders: false,
    problem: text(
      `it is not what the protocol calls a tool: ${why}`,
      `não é o que o protocolo chama de ferramenta: ${why}`,
    ),
  };
}

/** `__proto__` is a name by the protocol, but no member of what is read from JSON: nothing could be kept under it. */
const nameProblem = (name: string): Text | null =>
  /^(?!__proto__$)[A-Za-z0-9_./-]{1,128}$/.test(name)
    ? null
    : text(
        "its name is not 1 to 128 letters, digits, _ . / or -",
        "seu nome não tem de 1 a 128 letras, dígitos, _ . / ou -",
      );

const sizeProblem = (size: number): Text =>
  text(
    `its definition takes ${Math.ceil(size / 1024)} kB; the limit is ${maxDefinition / 1024} kB`,
    `sua definição ocupa ${Math.ceil(size / 1024)} kB; o limite é ${maxDefinition / 1024} kB`,
  );

/** Depth and references of a JSON Schema, without recursion. */
function schemaProblem(schema: unknown): Text | null {
  const open: { value: unknown; depth: number }[] = [{ value: schema, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value !== "object" || value === null) continue;
    if (depth > maxDepth) {
      return text(
        `its schema is nested more than ${maxDepth} deep`,
        `seu esquema tem mais de ${maxDepth} níveis`,
      );
    }
    for (const [key, inner] of Object.entries(value)) {
      if (isRemoteReference(key, inner)) {
        return text(
          `its schema refers to ${String(inner).slice(0, 200)}, which is never fetched; it must be whole in itself`,
          `seu esquema cita ${String(inner).slice(0, 200)}, que nunca é buscado; ele deve ser completo em si`,
        );
      }
      open.push({ value: inner, depth: depth + 1 });
    }
  }
  return null;
}

const listedTwice = text("the server lists it more than once", "o servidor a lista mais de uma vez");

const isRemoteReference = (key: string, value: unknown): boolean =>
  (key === "$ref" || key === "$dynamicRef" || key === "$recursiveRef") &&
  typeof value === "string" &&
  !value.startsWith("#");

/**
 * Every tool of a server, offered or only locked, by name. Pure. A tool is offered when it is
 * what the lock says; one that the lock does not know, when the policy says `allow`.
 */
export function judgeTools(
  offered: readonly OfferedTool[],
  locked: LockedTools,
  newTools: "hide" | "allow",
): JudgedTool[] {
  const byName = Map.groupBy(offered, ({ tool }) => tool.name);
  const missing = Object.entries(locked).filter(([name]) => !byName.has(name));
  return [
    ...[...byName].flatMap(([name, [each, ...more]]) => {
      if (each === undefined) return [];
      const one = more.length === 0 ? each : { ...each, problem: listedTwice };
      return [judge(one, locked[name]?.hash ?? null, newTools)];
    }),
    ...missing.map(([name, { hash }]) => ({
      name,
      state: "missing" as const,
      offered: null,
      lockedHash: hash,
      isPartial: false,
      reason: text("the server does not offer it any more", "o servidor não a oferece mais"),
    })),
  ].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function judge(offered: OfferedTool, lockedHash: string | null, newTools: "hide" | "allow"): JudgedTool {
  const of = (state: ToolState, reason: Text | null, isPartial = false): JudgedTool => ({
    name: offered.tool.name,
    state,
    offered,
    lockedHash,
    reason,
    isPartial,
  });
  if (offered.problem !== null) return of("invalid", offered.problem);
  if (lockedHash === offered.hash) return of("accepted", null);
  if (lockedHash === offered.coreHash) return of("accepted", null, true);
  if (lockedHash !== null) {
    return of(
      "changed",
      text(
        "it is not what was approved; a plan can accept it",
        "não é o que foi aprovado; um plano pode aceitá-la",
      ),
    );
  }
  return of(
    "new",
    newTools === "allow"
      ? null
      : text(
          "nobody approved it yet; a plan can accept it",
          "ninguém a aprovou ainda; um plano pode aceitá-la",
        ),
  );
}

/** States that a person should look at. */
export const drifted = (tools: readonly JudgedTool[]): JudgedTool[] =>
  tools.filter(({ state }) => state !== "accepted").toSorted((a, b) => order(a) - order(b));

const order = ({ state }: JudgedTool): number => toolStates.indexOf(state);
