import type { ModelDialect } from "@ciclo/contract";

/**
 * What a path of `/llm/*` is for. `generate` and `embed` use tokens and are metered; `free` uses none and goes through;
 * `retrieve` asks for an answer again, and is never a charge of its own. All else is refused: what cannot be metered does
 * not pass.
 */
export type ModelPath = {
  dialect: ModelDialect;
  use: "generate" | "embed" | "free" | "retrieve";
  /** As the ledger names it: `chat/completions`, `messages`, `generateContent`. */
  method: string;
  /** Below the provider's URL, with the query. */
  path: string;
  /** Where the path names the model. */
  model: string | null;
  /** Where the path, and not the body, says that the answer is a stream. */
  streams: boolean;
  /** The answer that it is about, which the provider keeps. */
  answer: string | null;
};

export const modelRoot = "/llm/";
const dialects = ["openai", "anthropic", "google"] as const;

/** The dialect whose routes a path belongs to; null for what is none of `/llm/*`. */
export const isModelPath = (url: string): boolean => url.startsWith(modelRoot);

/** What a request asks for; null where it is nothing that is let through. Pure. */
export function modelPathOf(method: string, url: string): ModelPath | null {
  const [path = "", query = ""] = url.split("?", 2);
  const dialect = dialects.find((one) => path.startsWith(`${modelRoot}${one}/`));
  if (dialect === undefined || path.includes("..") || /%2e|%2f|\/\//i.test(path)) return null;
  const rest = path.slice(modelRoot.length + dialect.length);
  const found = readers[dialect](method, rest);
  if (found === null) return null;
  return { dialect, ...found, path: `${found.path}${keptQuery(query)}` };
}

type Found = Omit<ModelPath, "dialect">;
type Reader = (method: string, path: string) => Found | null;

const plain = (use: Found["use"], path: string, method: string): Found => ({
  use,
  method,
  path,
  model: null,
  streams: false,
  answer: null,
});

const kept = (path: string, method: string): Found => ({
  ...plain("retrieve", path, method),
  answer: path.split("/")[2] ?? null,
});

/** A provider's URL has the version in it: `https://api.openai.com/v1`. */
const openai: Reader = (method, full) => {
  if (!full.startsWith("/v1/")) return null;
  const path = full.slice(3);
  if (method === "POST") {
    if (path === "/chat/completions" || path === "/responses" || path === "/completions")
      return plain("generate", path, path.slice(1));
    if (path === "/embeddings") return plain("embed", path, "embeddings");
    if (path === "/responses/input_tokens") return plain("free", path, "responses/input_tokens");
    if (/^\/responses\/[\w-]+\/cancel$/.test(path)) return kept(path, "responses/cancel");
  }
  if (method === "GET" && /^\/models(?:\/[\w.:/-]+)?$/.test(path)) return plain("free", path, "models");
  if ((method === "GET" || method === "DELETE") && /^\/responses\/[\w-]+(?:\/input_items)?$/.test(path))
    return kept(path, "responses");
  return null;
};

const anthropic: Reader = (method, path) => {
  if (method === "POST" && path === "/v1/messages") return plain("generate", path, "messages");
  if (method === "POST" && path === "/v1/messages/count_tokens")
    return plain("free", path, "messages/count_tokens");
  if (method === "GET" && /^\/v1\/models(?:\/[\w.:-]+)?$/.test(path)) return plain("free", path, "models");
  return null;
};

const googleVerbs: ReadonlyMap<string, Found["use"]> = new Map([
  ["generateContent", "generate"],
  ["streamGenerateContent", "generate"],
  ["embedContent", "embed"],
  ["batchEmbedContents", "embed"],
  ["countTokens", "free"],
]);

const google: Reader = (method, path) => {
  const [, version, model, verb = ""] = /^\/(v1(?:beta|alpha)?)\/models\/([\w.-]+):(\w+)$/.exec(path) ?? [];
  const use = googleVerbs.get(verb);
  if (method === "POST" && version !== undefined && model !== undefined && use !== undefined)
    return { ...plain(use, path, verb), model, streams: verb === "streamGenerateContent" };
  if (method === "GET" && /^\/v1(?:beta|alpha)?\/models(?:\/[\w.-]+)?$/.test(path))
    return plain("free", path, "models");
  return null;
};

const readers: Record<ModelDialect, Reader> = { openai, anthropic, google };

/** What a query may say: pages of lists, the form of a stream, a version. A caller's key is the console's own. */
const queryNames =
  /^(?:beta|alt|limit|after|after_id|before|before_id|order|page[_-]?size|page[_-]?token|include(?:\[\]|%5B%5D)?|stream|starting_after|include_obfuscation|api-version)$/i;

function keptQuery(query: string): string {
  const kept = query.split("&").filter((part) => {
    const [name = "", value = ""] = part.split("=", 2);
    return queryNames.test(name) && (name.toLowerCase() !== "alt" || /^(?:sse|json)$/.test(value));
  });
  return kept.length === 0 ? "" : `?${kept.join("&")}`;
}

/** Whether what it asks for uses tokens. */
export const isMetered = ({ use }: ModelPath): boolean => use === "generate" || use === "embed";
