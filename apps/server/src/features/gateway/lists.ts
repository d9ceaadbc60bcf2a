import type { ListedTool } from "../../domain/servers.ts";
import { type Said, UnreadableError } from "./said.ts";

/** What stands in lists that servers give, by the member of the answer that holds it. */
export type Listed =
  | { list: "tools"; item: ListedTool }
  | { list: "resources"; item: { uri?: unknown } }
  | { list: "resourceTemplates"; item: { uriTemplate?: unknown } }
  | { list: "prompts"; item: { name?: unknown } };

/** What somebody may see of what a server tells of itself. */
export type Show = {
  /** An item as they may see it; null where they may not. */
  item(listed: Listed): object | null;
  /** Whether texts go on that models read and nobody approves one by one. */
  texts: boolean;
  /** What a server is called whose own name is a text. */
  serverId: string;
};

const listNames = ["tools", "resources", "resourceTemplates", "prompts"] as const;
/** What stands beside a list. */
const besides = ["nextCursor", "resultType", "ttlMs"];

/** An answer with only that which is let through of the lists in it, and of what the server tells of itself. */
export function filtered(said: Said, show: Show): Said {
  const { result } = said;
  if (result === undefined) return said;
  if (!isObject(result)) throw new UnreadableError();
  return { ...said, result: visible(result, show) };
}

/** The same of a result. */
export function visible<R extends Record<string, unknown>>(result: R, show: Show): R {
  if ("capabilities" in result) return (show.texts ? result : introduced(result, show)) as R;
  const lists = listNames.flatMap((list) => {
    const items: unknown = result[list];
    if (items === undefined) return [];
    const mine = Array.isArray(items)
      ? items.flatMap((item: unknown) => (isObject(item) ? (show.item({ list, item } as Listed) ?? []) : []))
      : [];
    return [[list, mine] as const];
  });
  if (lists.length === 0) return result;
  const beside = show.texts
    ? result
    : Object.fromEntries(besides.flatMap((key) => (key in result ? [[key, result[key]]] : [])));
  // Who may see what differs by caller, so nobody else may be handed this answer.
  const scope = "cacheScope" in result ? { cacheScope: "private" } : {};
  return { ...beside, ...scope, ...Object.fromEntries(lists) } as unknown as R;
}

/** What a server says as it is introduced, without what models could read as told to them. */
function introduced({ serverInfo, ...result }: Record<string, unknown>, { serverId }: Show): object {
  const told = Object.entries(result).filter(([key]) => members.has(key));
  const capabilities = isObject(result["capabilities"]) ? Object.entries(result["capabilities"]) : [];
  return {
    ...(words(Object.fromEntries(told)) as object),
    capabilities: words(Object.fromEntries(capabilities.filter(([key]) => knownCapabilities.has(key)))),
    ...(isObject(serverInfo) ? { serverInfo: infoInWords(serverInfo, serverId) } : {}),
  };
}

/** Of what a server says as it is introduced, by the revisions that there are. */
const members = new Set(["protocolVersion", "supportedVersions", "resultType", "ttlMs", "cacheScope"]);
const knownCapabilities = new Set([
  "tools",
  "prompts",
  "resources",
  "completions",
  "logging",
  "tasks",
  "experimental",
  "extensions",
]);

/** What a server calls itself, where that is no text. */
export const infoInWords = (
  { name, version }: { name?: unknown; version?: unknown },
  serverId: string,
): { name: string; version: string } => ({
  name: isWord(name) ? name : serverId,
  version: isWord(version) ? version : "0",
});

/** What has a name, and what it is called in words that nobody approved. */
const kept = {
  resources: ["uri", "name", "mimeType", "size", "annotations"],
  resourceTemplates: ["uriTemplate", "name", "mimeType", "annotations"],
  prompts: ["name", "arguments"],
};

/** An item of a list without what models read of it: what it is reached by, and what it is by number or by word. */
export function withoutTexts({ list, item }: Exclude<Listed, { list: "tools" }>): object | null {
  // It is got by its name, so there is none to put in its place.
  if (list === "prompts" && !isWord(item.name)) return null;
  const own = Object.entries(item).filter(([key]) => kept[list].includes(key));
  const {
    uri,
    uriTemplate,
    name,
    mimeType,
    annotations,
    arguments: asked,
    ...rest
  } = Object.fromEntries(own);
  const address = uri ?? uriTemplate;
  return {
    ...(words(rest) as object),
    ...(uri === undefined ? {} : { uri }),
    ...(uriTemplate === undefined ? {} : { uriTemplate }),
    ...(isMimeType(mimeType) ? { mimeType } : {}),
    ...(isObject(annotations) ? { annotations: hintsOf(annotations) } : {}),
    // What has an address is called by that where its name is a text.
    name: isWord(name) ? name : address,
    ...(Array.isArray(asked) ? { arguments: asked.filter(isNamed).map(argumentOf) } : {}),
  };
}

/** For whom something is, how much it matters, and since when it is so. */
function hintsOf({ audience, priority, lastModified }: Record<string, unknown>): object {
  const known = Array.isArray(audience)
    ? { audience: audience.filter((each) => each === "user" || each === "assistant") }
    : {};
  return {
    ...known,
    ...(typeof priority === "number" ? { priority } : {}),
    ...(typeof lastModified === "string" && /^[\d:.TZ+-]{4,40}$/.test(lastModified) ? { lastModified } : {}),
  };
}

const isNamed = (value: unknown): value is Record<string, unknown> =>
  isObject(value) && isWord(value["name"]);

const argumentOf = ({ name, required }: Record<string, unknown>): object =>
  typeof required === "boolean" ? { name, required } : { name };

const isMimeType = (value: unknown): boolean =>
  typeof value === "string" &&
  /^[\w.+-]{1,60}\/[\w.+-]{1,60}(?:; ?[\w-]{1,20}="?[\w.-]{1,40}"?)?$/.test(value);

const isWord = (value: unknown): value is string =>
  typeof value === "string" && /^[\u0021-\u007E]{1,64}$/.test(value);

/** A value without the texts in it: what has blanks, or is long. Lists keep their words. */
function words(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(words).filter((each) => each !== undefined);
  if (!isObject(value)) return typeof value === "string" && !isWord(value) ? undefined : value;
  const members = Object.entries(value).filter(([key]) => isWord(key));
  return Object.fromEntries(
    members.map(([key, each]) => [key, words(each)] as const).filter(([, each]) => each !== undefined),
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
