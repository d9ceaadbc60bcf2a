import type { AccessKind } from "@ciclo/contract";
import { posix } from "node:path";
import type { RpcMessage } from "./messages.ts";

export type Kind = AccessKind;

/** What a message is about, as access is decided by it. */
export type Subject =
  /** Part of the protocol's own going on: who may enter the server may send it. */
  | { asks: "protocol" }
  /** What is listed is filtered by what the caller may use. */
  | { asks: "list" }
  /** Each name in all its forms has to be allowed. */
  | { asks: "use"; kind: Kind; names: readonly string[] };

const protocol = new Set([
  "initialize",
  "ping",
  "server/discover",
  "logging/setLevel",
  "notifications/initialized",
  "notifications/cancelled",
  "notifications/progress",
  "notifications/roots/list_changed",
]);
const lists = new Set(["tools/list", "resources/list", "resources/templates/list", "prompts/list"]);
const uses = new Set([
  "tools/call",
  "resources/read",
  "resources/subscribe",
  "resources/unsubscribe",
  "prompts/get",
  "completion/complete",
  "subscriptions/listen",
]);
const known = new Set([...protocol, ...lists, ...uses]);

/** What a message is about; null for one that has not the form which its method demands. Pure. */
export function subjectOf({ method, params = {} }: RpcMessage): Subject | null {
  // An answer to what the server asked.
  if (method === undefined || protocol.has(method)) return { asks: "protocol" };
  if (lists.has(method)) return { asks: "list" };
  switch (method) {
    case "tools/call":
      return use("tools", params.name);
    case "prompts/get":
      return use("prompts", params.name);
    case "resources/read":
      return use("resources", params["uri"]);
    case "resources/subscribe":
    case "resources/unsubscribe":
      // Gone since 2026-07-28, where it is asked for without an address to learn just that.
      return use("resources", params["uri"]) ?? use("methods", method);
    case "completion/complete":
      return completed(params["ref"]);
    case "subscriptions/listen":
      return listenedTo(params["notifications"]);
    default:
      return use("methods", method);
  }
}

/** What every caller of a server may hear of it: news, and what a caller's client asks the person or model behind it. */
const spoken = new Set([
  "ping",
  "roots/list",
  "sampling/createMessage",
  "elicitation/create",
  "notifications/progress",
  "notifications/message",
  "notifications/cancelled",
  "notifications/tools/list_changed",
  "notifications/resources/list_changed",
  "notifications/prompts/list_changed",
  "notifications/subscriptions/acknowledged",
  "notifications/elicitation/complete",
]);

/** What a notification or question of a server is about; null for one without the form that its method demands. Pure. */
export function subjectSaid({ method, params }: { method?: unknown; params?: unknown }): Subject | null {
  if (typeof method !== "string") return null;
  if (spoken.has(method)) return { asks: "protocol" };
  if (method !== "notifications/resources/updated") return use("methods", method);
  return use("resources", ((params ?? {}) as { uri?: unknown }).uri);
}

const use = (kind: Kind, name: unknown): Subject | null =>
  typeof name === "string" ? { asks: "use", kind, names: [name] } : null;

/** A completion is asked for a prompt, or for a template of resources. */
function completed(ref: unknown): Subject | null {
  const { type, name, uri } = (ref ?? {}) as { type?: unknown; name?: unknown; uri?: unknown };
  if (type === "ref/prompt") return use("prompts", name);
  return type === "ref/resource" && typeof uri === "string" ? use("resources", templateAsUri(uri)) : null;
}

function listenedTo(notifications: unknown): Subject | null {
  const { resourceSubscriptions = [] } = (notifications ?? {}) as { resourceSubscriptions?: unknown };
  if (!Array.isArray(resourceSubscriptions)) return null;
  const names = resourceSubscriptions.filter((uri) => typeof uri === "string");
  if (names.length < resourceSubscriptions.length) return null;
  return names.length === 0 ? { asks: "protocol" } : { asks: "use", kind: "resources", names };
}

/** A template of resources stands for those that it makes: `file:///{path}` for `file:///x`. */
export const templateAsUri = (template: string): string => template.replaceAll(/\{[^{}]*\}/g, "x");

/** Whether a method is written as the protocol does, or is none of its. One that only looks like one of them is neither. */
export const isWellSpelt = (method: string): boolean => known.has(method) || !known.has(fold(method));

/** The same for every spelling: case, blanks around, forms of Unicode. */
export const fold = (name: string): string => name.normalize("NFKC").trim().toLowerCase();

const maxRounds = 10;

/**
 * The names that a resource's address may be read as: as it is written, and with dots, slashes, case and escapes resolved
 * as readers do. Whoever may use it may use all of them. Pure.
 */
export function formsOf(uri: string): string[] {
  const forms = new Set([uri]);
  let current = uri;
  for (let round = 0; round < maxRounds; round += 1) {
    const next = decoded(resolved(current.replaceAll("\\", "/")));
    forms.add(resolved(current)).add(next);
    if (next === current) break;
    current = next;
  }
  for (let round = 0, raw = uri; round < maxRounds; round += 1) {
    const path = raw.replaceAll("\\", "/");
    forms.add(asPath(path));
    raw = decoded(path);
    if (raw === path) break;
  }
  return [...forms];
}

const resolved = (uri: string): string =>
  URL.canParse(uri) ? withoutDots(new URL(uri).href) : withoutDots(uri);

/** Schemes without an authority keep their dots: `doc:a/../b`. */
function withoutDots(uri: string): string {
  const [, head = "", path = "", tail = ""] =
    /^([a-z][a-z0-9+.-]*:(?:\/\/[^/?#]*)?)?([^?#]*)(.*)$/is.exec(uri) ?? [];
  return /(^|\/)\.{1,2}(\/|$)/.test(path) ? head + posix.normalize(path) + tail : uri;
}

/** As a server reads it for which all behind the scheme is a path: `docs://public/../private` is `docs://private`. */
function asPath(uri: string): string {
  const [, scheme, path = ""] = /^([a-z][a-z0-9+.-]*:\/\/)([^?#]*)/is.exec(uri) ?? [];
  if (scheme === undefined || !/(^|\/)\.\.(\/|$)/.test(path)) return uri;
  return scheme + posix.normalize(path) + uri.slice(scheme.length + path.length);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // An escape that is none stands for itself.
    return text;
  }
}
