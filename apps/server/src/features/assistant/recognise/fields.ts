import { fillers, isKeyword, type Sense, sensesOf } from "./lexicon.ts";
import { isPunctuation, slugOf, type Token } from "./tokens.ts";

/** What a recogniser may know of the live configuration. */
export type Known = {
  agents: readonly string[];
  policies: readonly string[];
  servers: readonly string[];
};
export type Fields = Record<string, unknown>;

export const has = (token: Token | undefined, sense: Sense): boolean =>
  token !== undefined && !token.quoted && sensesOf(token.word).includes(sense);

export const indexOf = (tokens: readonly Token[], sense: Sense, from = 0): number =>
  tokens.findIndex((token, index) => index >= from && has(token, sense));

const isVerb = (token: Token): boolean =>
  (["add", "remove", "edit", "generate", "accept"] as const).some(
    (sense) => has(token, sense) && isKeyword(token.word),
  );

/** Words that open a field; a list or text before them ends there. */
const openers: Sense[] = [
  "repository",
  "capabilities",
  "tools",
  "endpoint",
  "transport",
  "command",
  "arguments",
  "model",
  "title",
  "description",
];
const opens = (token: Token): boolean => openers.some((sense) => has(token, sense));

export const isAddress = (token: Token): boolean => /^(https?|wss?|git|ssh):\/\/|^git@/.test(token.raw);
export const isName = (token: Token | undefined): token is Token => token !== undefined && canBeName(token);
const canBeName = (token: Token): boolean =>
  (token.quoted || /^[\p{L}\d][\p{L}\d._/-]*$/u.test(token.raw)) &&
  !isAddress(token) &&
  (token.quoted || (!fillers.has(token.word) && !notNames.has(token.word) && !isKeyword(token.word)));

const notNames = new Set(
  (
    "pra pro mim me nos gente from with using usando que which and at via without sem as como by it ele ela ai la there here aqui now agora hoje today " +
    " also tambem instead verdade actually nao no yes sim ok please favor"
  ).split(" "),
);

/** The name that follows a word, past small words; null when something else does. */
export function nameAfter(tokens: readonly Token[], index: number): Token | null {
  for (let at = index + 1; at < tokens.length && at <= index + 5; at += 1) {
    const token = tokens[at];
    if (token === undefined) return null;
    if (canBeName(token)) return token;
    const skippable =
      /^(called|named|chamad[oa]|nomead[oa]|nome|name|de|:|=|new|nov[oa]|the|o|a|is|e|sera|seja|of)$/.test(
        token.word,
      );
    if (!skippable) return null;
  }
  return null;
}

/** The server that a message names: behind the noun ("the MCP server catalog"), or one that is known. */
export function serverName(tokens: readonly Token[], known: Known): string | null {
  const noun = tokens.findLastIndex((token) => has(token, "server"));
  const after = noun < 0 ? null : nameAfter(tokens, noun);
  if (after !== null) return slugOf(after.raw);
  const mentioned = tokens.find((token) => known.servers.includes(slugOf(token.raw)));
  if (mentioned !== undefined) return slugOf(mentioned.raw);
  const before = tokens[tokens.findIndex((token) => has(token, "server")) - 1];
  return isName(before) ? slugOf(before.raw) : null;
}

/** What is said of an MCP server that is to be onboarded. */
export function onboardingFields(tokens: readonly Token[], known: Known): Fields {
  const { agent_name: _, ...fields } = agentFields(tokens, known);
  const name = serverName(tokens, known);
  return name === null ? fields : { ...fields, agent_name: name };
}

export function agentFields(tokens: readonly Token[], known: Known): Fields {
  const fields: Fields = {};
  const name = agentName(tokens, known);
  if (name !== null) fields.agent_name = name;
  const repository = repositoryOf(tokens);
  if (repository !== null) fields.repository = repository;
  const address = tokens.find(
    (token) => isAddress(token) && token.raw !== repository && !token.raw.endsWith(".git"),
  );
  if (address !== undefined) fields.endpoint = address.raw.replace(/[.)?!]+$/, "");
  for (const [field, sense] of [
    ["capabilities", "capabilities"],
    ["tools", "tools"],
  ] as const) {
    const items = listAfter(tokens, indexOf(tokens, sense));
    if (items.length > 0) fields[field] = items;
  }
  const able = ableTo(tokens);
  if (fields.capabilities === undefined && able.length > 0) fields.capabilities = able;
  const transport = transportOf(tokens);
  if (transport !== null) fields.transport = transport;
  const at = indexOf(tokens, "command");
  const command = at < 0 ? undefined : tokens.slice(at + 1, at + 4).find((token) => !isPunctuation(token));
  if (command !== undefined) Object.assign(fields, commandOf(command));
  const args = wordsAfter(tokens, indexOf(tokens, "arguments"));
  if (args.length > 0) fields.args = args;
  const model = modelOf(tokens);
  if (model !== null) fields.model = model;
  for (const field of ["title", "description"] as const) {
    const value = textAfter(tokens, indexOf(tokens, field));
    if (value !== null) fields[field] = value;
  }
  return fields;
}

/** "Vigia de Logs": a name goes on while its words are capitalised. */
function wholeName(tokens: readonly Token[], first: Token): string {
  const isCapital = (token: Token | undefined): boolean =>
    token !== undefined && /^\p{Lu}/u.test(token.raw) && canBeName(token);
  const words = [first.raw];
  for (let at = tokens.indexOf(first) + 1; isCapital(first); at += 1) {
    const [token, next] = [tokens[at], tokens[at + 1]];
    const goesOn = isCapital(token) || (/^(de|da|do|of)$/.test(token?.word ?? "") && isCapital(next));
    if (token === undefined || !goesOn) break;
    words.push(token.raw);
  }
  return words.join(" ");
}

export function agentName(tokens: readonly Token[], known: Known): string | null {
  const noun = indexOf(tokens, "agent");
  if (noun >= 0) {
    const after = nameAfter(tokens, noun);
    if (after !== null) return slugOf(wholeName(tokens, after));
    const before = tokens[noun - 1];
    if (isName(before)) return slugOf(before.raw);
    // "add catalog as an agent"
    const as = tokens.findIndex((token, index) => index < noun && /^(as|como)$/.test(token.word));
    const named = tokens[as - 1];
    if (as > 0 && isName(named)) return slugOf(named.raw);
  }
  const as = tokens.findIndex((token) => /^(as|como)$/.test(token.word));
  const alias = as < 0 ? undefined : tokens[as + 1];
  if (noun < 0 && isName(alias)) return slugOf(alias.raw);
  const mentioned = tokens.find((token) => known.agents.includes(slugOf(token.raw)));
  if (mentioned !== undefined) return slugOf(mentioned.raw);
  const naming = tokens.findIndex((token) => /^(called|named|chamad[oa]|nome|name)$/.test(token.word));
  const token = naming < 0 ? null : nameAfter(tokens, naming);
  return token === null ? null : slugOf(token.raw);
}

function repositoryOf(tokens: readonly Token[]): string | null {
  const noun = indexOf(tokens, "repository");
  const address = tokens.find(
    (token) => isAddress(token) && /\.git$|github\.|gitlab\.|^git@/.test(token.raw),
  );
  if (noun < 0) return address?.raw ?? null;
  for (let at = noun + 1; at < tokens.length && at <= noun + 4; at += 1) {
    const token = tokens[at];
    if (token === undefined) break;
    if (isAddress(token) || canBeName(token)) return token.raw;
    if (!/^(git|called|named|chamado|is|e|:|=|the|o|de|at|em|url|sera|agora|now)$/.test(token.word)) break;
  }
  const before = tokens[noun - 1];
  return isName(before) ? before.raw : (address?.raw ?? null);
}

/** Items up to the next field, sentence end or number of 50. */
function listAfter(tokens: readonly Token[], index: number): string[] {
  if (index < 0) return [];
  const items: string[] = [];
  let fresh = true;
  for (const token of tokens.slice(index + 1)) {
    if (
      token.word === "." ||
      token.word === ";" ||
      opens(token) ||
      /^(from|do|da|no|na|with|com|using|usando|at|em|running|rodando|in)$/.test(token.word)
    ) {
      if (items.length > 0 || opens(token)) break;
      continue;
    }
    if (isPunctuation(token) || /^(e|and|&|ou|or)$/.test(token.word)) fresh = true;
    else if (/^(de|of|to|sao|are|is|como|such|as|:|the|o|a|os)$/.test(token.word) && items.length === 0)
      continue;
    else if (fresh && isVerb(token)) break;
    else if (fresh) {
      items.push(token.raw);
      fresh = false;
    } else break;
  }
  return items.slice(0, 50);
}

/** Every word up to the next field: arguments are parted by blanks. */
function wordsAfter(tokens: readonly Token[], index: number): string[] {
  if (index < 0) return [];
  const rest = tokens.slice(index + 1);
  const end = rest.findIndex((token) => opens(token) || token.word === "." || token.word === ";");
  return rest
    .slice(0, end < 0 ? undefined : end)
    .filter((token) => !isPunctuation(token))
    .map((token) => token.raw)
    .slice(0, 50);
}

/** "capaz de conversar e planejar", "that can chat and plan". */
function ableTo(tokens: readonly Token[]): string[] {
  const at = tokens.findIndex(
    (token, index) =>
      (token.word === "capaz" && tokens[index + 1]?.word === "de") ||
      (token.word === "able" && tokens[index + 1]?.word === "to") ||
      (token.word === "that" && tokens[index + 1]?.word === "can") ||
      (token.word === "que" && tokens[index + 1]?.word === "faz"),
  );
  return at < 0 ? [] : listAfter(tokens, at + 1);
}

function transportOf(tokens: readonly Token[]): string | null {
  const words = new Set(tokens.map((token) => token.word.replace(/[-_]/g, " ")));
  if (words.has("stdio")) return "stdio";
  if (words.has("sse")) return "sse";
  if (words.has("websocket") || words.has("websockets")) return "websocket";
  if (words.has("streamable http") || (words.has("streamable") && words.has("http")))
    return "streamable_http";
  return null;
}

/** A quoted command line is cut at blanks: the first word runs, the rest are its arguments. */
function commandOf(token: Token): Fields {
  const [command = "", ...args] = token.raw.split(/\s+/);
  return args.length === 0 ? { command } : { command, args };
}

function modelOf(tokens: readonly Token[]): { provider: string; name: string } | null {
  const at = indexOf(tokens, "model");
  if (at < 0) return null;
  const candidates = tokens
    .slice(at + 1, at + 4)
    .filter((token) => !fillers.has(token.word) && !isPunctuation(token));
  const [first, second] = candidates;
  if (first === undefined) return null;
  const [provider, ...name] = first.raw.split("/");
  if (provider !== undefined && name.length > 0) return { provider, name: name.join("/") };
  const isVersioned = second !== undefined && /\d/.test(second.raw) && !opens(second);
  return isVersioned ? { provider: first.raw, name: second.raw } : null;
}

/** Quoted text behind a word, or the words up to the next field. */
function textAfter(tokens: readonly Token[], index: number): string | null {
  if (index < 0) return null;
  const rest = tokens.slice(index + 1);
  const start = rest.findIndex((token) => !/^(:|=|as|como|is|e|de|o|the|sera)$/.test(token.word));
  const first = rest[start];
  if (first === undefined) return null;
  if (first.quoted) return first.raw;
  const end = rest.findIndex(
    (token, at) =>
      at >= start &&
      (isPunctuation(token) || opens(token) || /^(com|with|from|em|in|at|do)$/.test(token.word)),
  );
  const words = rest.slice(start, end < 0 ? undefined : end).map((token) => token.raw);
  return words.length === 0 ? null : words.join(" ");
}

const artefacts: [Sense, string][] = [
  ["adr", "adr"],
  ["runbook", "runbook"],
  ["readme", "agent.readme"],
  ["manifest", "agent.manifest"],
  ["checklist", "finops.checklist"],
];

/** The document that a message names first, with its place in the sentence. */
export function artefactNoun(tokens: readonly Token[]): { type: string; index: number } | null {
  const found = artefacts
    .map(([sense, type]) => ({
      type,
      index: tokens.findIndex((token) => has(token, sense) && !token.raw.includes("/")),
    }))
    .filter(({ index }) => index >= 0)
    .toSorted((a, b) => a.index - b.index);
  return found[0] ?? null;
}

export function artifactFields(tokens: readonly Token[], known: Known): Fields {
  const fields: Fields = {};
  const noun = artefactNoun(tokens);
  if (noun !== null) fields.artifact_type = noun.type;
  const path = tokens.find(
    (token) => !isAddress(token) && /^[\w.@-]+(\/[\w.@-]+)+$|^[\w-]+\.(md|ya?ml)$/.test(token.raw),
  );
  const agent = agentName(tokens, known);
  if (path !== undefined) fields.target_path = path.raw;
  else if (agent !== null && noun?.type === "agent.readme") fields.target_path = `agents/${agent}/README.md`;
  else if (agent !== null && noun?.type === "agent.manifest")
    fields.target_path = `agents/${agent}/agent.yaml`;
  const quoted = tokens.find((token) => token.quoted && !token.raw.includes("/"))?.raw ?? null;
  const title = textAfter(tokens, indexOf(tokens, "title")) ?? quoted ?? aboutOf(tokens);
  if (title !== null) fields.parameters = { title };
  return fields;
}

/** "sobre o cache de sessões", "about the session cache". */
function aboutOf(tokens: readonly Token[]): string | null {
  const at = tokens.findIndex((token) => /^(sobre|about)$/.test(token.word));
  if (at < 0) return null;
  const rest = tokens.slice(at + 1);
  const isPath = (token: Token | undefined): boolean => token?.raw.includes("/") ?? false;
  const end = rest.findIndex(
    (token, index) =>
      isPunctuation(token) ||
      isPath(token) ||
      (/^(em|in|at|to)$/.test(token.word) && isPath(rest[index + 1])),
  );
  const words = rest.slice(0, end < 0 ? undefined : end).map((token) => token.raw);
  const text = words.join(" ").replace(/^(the|o|a|os|as) /i, "");
  return text === "" ? null : text;
}
