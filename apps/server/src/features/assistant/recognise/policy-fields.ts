import { amountsIn, isUnclear, partOfUnit, withoutOrigin } from "./amounts.ts";
import { type Fields, has, indexOf, isName, type Known, nameAfter } from "./fields.ts";
import { type Direction, directionIn, relativeIn } from "./relative.ts";
import { fillers, sensesOf } from "./lexicon.ts";
import { isPunctuation, slugOf, type Token, typos } from "./tokens.ts";
import { lastNumber, readDuration, readNumber } from "./values.ts";

/** Phrases for the fields of policies. The first that fits, longest first, is meant. */
const policyPhrases: { phrase: RegExp; path: string; kind: "number" | "duration" | "word" }[] = [
  {
    phrase: /(monthly|mensa(l|is)|month|mes)\b.*\btokens?|\btokens?\b.*\b(monthly|por mes|mensa)/,
    path: "limits.monthly_tokens",
    kind: "number",
  },
  {
    phrase: /\b(max(imum|imo)?|limite|limit)\b.*\btokens?\b|\btokens?\b.*\bmax/,
    path: "defaults.max_tokens",
    kind: "number",
  },
  { phrase: /\b(daily|diari[oa]|per day|por dia|a day)\b/, path: "limits.daily_usd", kind: "number" },
  {
    phrase: /\b(monthly|mensal|per month|por mes|a month|ao mes)\b/,
    path: "limits.monthly_usd",
    kind: "number",
  },
  {
    phrase: /\bself[- ]?approval|auto[- ]?aprovacao|aprovar o proprio|approve their own/,
    path: "default.self_approval",
    kind: "word",
  },
  { phrase: /\b(expir\w*|validade|expiry)\b/, path: "default.expires_after", kind: "duration" },
  {
    phrase: /\b(approvals?|approvers?|aprovacoes|aprovacao|aprovadores|aprovador|votes?|votos?)\b/,
    path: "default.required",
    kind: "number",
  },
  { phrase: /\btime-?out|tempo limite|tempo maximo\b/, path: "defaults.timeout_s", kind: "number" },
  {
    phrase: /\b(max(imum|imo)? cost|custo max(imo)?|cost per call|custo (maximo )?por chamada)\b/,
    path: "defaults.max_cost_usd",
    kind: "number",
  },
  {
    phrase: /\b(error rate|errors?\s.*rate|taxa (maxima )?de erros?)\b/,
    path: "max_error_rate",
    kind: "number",
  },
  { phrase: /\b(latency|latencia)\b/, path: "max_latency_ms", kind: "number" },
  { phrase: /\b(probes?|sondas?|sondagens)\b/, path: "probes", kind: "number" },
  { phrase: /\b(interval|intervalo)\b/, path: "interval_s", kind: "number" },
  {
    phrase: /\b(on[_ ]exceeded|when exceeded|quando (exceder|estourar|passar)|ao (exceder|estourar))\b/,
    path: "on_exceeded",
    kind: "word",
  },
];

const policyWords: Record<string, string> = {
  proiba: "never",
  proibir: "never",
  forbid: "never",
  permita: "always",
  permitir: "always",
  allow: "always",
  never: "never",
  nunca: "never",
  always: "always",
  sempre: "always",
  only_approver: "only_approver",
  block: "block",
  bloquear: "block",
  bloqueie: "block",
  ask: "ask",
  perguntar: "ask",
  pergunte: "ask",
  warn: "warn",
  avisar: "warn",
  avise: "warn",
};

/** Whether a folded message opens with a policy field: "maximum tokens 8000 in policy cost". */
export function opensWithField(folded: string): boolean {
  const words = folded.split(/\s+/);
  return (
    policyField(words.slice(0, 3).join(" ")) !== undefined ||
    policyField(words.slice(0, 4).join(" ")) !== undefined
  );
}

/** Which policy field a folded message speaks of, if any. */
export const policyField = (folded: string) => policyPhrases.find(({ phrase }) => phrase.test(folded));

export function policyFields(tokens: readonly Token[], folded: string, known: Known): Fields {
  const fields: Fields = {};
  const id = policyId(tokens, known);
  if (id !== null) fields.policy_id = id;
  const named = new Set(tokens.map(({ raw }) => slugOf(raw)).filter((name) => isOwnName(name, known)));
  // "Twice that of spend-guard": the value of another policy is not looked up.
  named.delete(id ?? "");
  const changes = named.size > 0 || partOfUnit.test(folded) ? null : policyChanges(tokens, folded, id);
  if (changes !== null) fields.changes = changes;
  const made = newPolicy(tokens, known);
  if (made !== null) return { policy_id: made.id, changes: { kind: made.kind, ...changes }, create: true };
  if (
    indexOf(tokens, "add") >= 0 &&
    indexOf(tokens, "policy") >= 0 &&
    id !== null &&
    !known.policies.includes(id)
  ) {
    fields.create = true;
    const kind = /\b(?:kind|tipo|type)\s+(\w+)/.exec(folded)?.[1];
    if (kind !== undefined) fields.changes = { kind, ...changes };
  }
  return fields;
}

/** Names that are no ordinary words: `budget` and `cost` are both. */
const isOwnName = (name: string, { policies }: Known): boolean =>
  policies.includes(name) && (/-/.test(name) || !kinds.has(name));

/** "a budget policy called team-a", "uma política de orçamento time-b": kind and name of one to be made. */
function newPolicy(tokens: readonly Token[], known: Known): { id: string; kind: string } | null {
  const noun = indexOf(tokens, "policy");
  if (noun < 0 || !tokens.slice(0, noun).some((token) => has(token, "add"))) return null;
  const kindOf = (token: Token | undefined): string | undefined =>
    token === undefined
      ? undefined
      : (policyNames[token.word] ?? (kinds.has(token.word) ? token.word : undefined));
  const before = kindOf(tokens[noun - 1]);
  const at =
    before === undefined
      ? tokens.findIndex((token, index) => index > noun && index <= noun + 2 && kindOf(token) !== undefined)
      : noun;
  const kind = before ?? kindOf(tokens[at]);
  const name = at < 0 ? null : nameAfter(tokens, at);
  if (kind === undefined || name === null || known.policies.includes(slugOf(name.raw))) return null;
  return { id: slugOf(name.raw), kind };
}

const kinds = new Set([
  "approvals",
  "budget",
  "cost",
  "access",
  "network",
  "commands",
  "canary",
  "retention",
]);

export function policyId(tokens: readonly Token[], known: Known): string | null {
  const noun = indexOf(tokens, "policy");
  const translated = tokens
    .slice(noun + 1, noun + 4)
    .map(({ word }) => policyNames[word])
    .find((name) => name !== undefined);
  if (noun >= 0 && translated !== undefined && known.policies.includes(translated)) return translated;
  const named = noun < 0 ? null : nameAfter(tokens, noun);
  const isNaming = tokens
    .slice(noun + 1, noun + 3)
    .some(({ word }) => /^(called|named|chamad[oa]|nomead[oa])$/.test(word));
  if (named !== null && isNaming) return slugOf(named.raw);
  const mentioned = tokens.find(
    (token) =>
      known.policies.includes(slugOf(token.raw)) &&
      !(has(token, "limit") && tokens.length > 1 && !isNamed(tokens, token)),
  );
  if (mentioned !== undefined) return slugOf(mentioned.raw);
  if (named !== null) return slugOf(named.raw);
  const before = tokens[noun - 1];
  if (noun > 0 && isName(before)) return slugOf(before.raw);
  const limit = indexOf(tokens, "limit");
  const of = tokens.findIndex(
    (token, index) => index > limit && /^(of|de|do|da|for|para o|no|na|on)$/.test(token.word),
  );
  const owner = of < 0 ? undefined : tokens.slice(of + 1, of + 3).find((token) => !fillers.has(token.word));
  return limit >= 0 && isName(owner) && !/^\$?\d/.test(owner.raw) ? slugOf(owner.raw) : null;
}

/** The default policies by the Portuguese words for them: "a política de orçamento". */
const policyNames: Record<string, string> = {
  orcamento: "budget",
  custo: "cost",
  custos: "cost",
  aprovacao: "approvals",
  aprovacoes: "approvals",
  acesso: "access",
  rede: "network",
  comandos: "commands",
  canario: "canary",
};

/** `budget` is a policy and an ordinary word: as a name it follows "policy" or "of". */
function isNamed(tokens: readonly Token[], token: Token): boolean {
  const at = tokens.indexOf(token);
  const [before, after] = [tokens[at - 1], tokens[at + 1]];
  return (
    token.quoted ||
    has(before, "policy") ||
    has(after, "policy") ||
    /^(of|da|do|de)$/.test(before?.word ?? "")
  );
}

function policyChanges(tokens: readonly Token[], folded: string, id: string | null): Fields | null {
  const dotted = tokens.findIndex(
    (token) => /^[a-z_]+(\.[a-z_]+)+$/.test(token.raw) && !/\.(md|ya?ml|json|git)$/.test(token.raw),
  );
  // A name with digits must not be read as the value.
  const rest = id !== null && /\d/.test(id) ? folded.replaceAll(id, " ") : folded;
  if (dotted >= 0) {
    const path = tokens[dotted]?.raw ?? "";
    const relative = relativeIn(rest.replace(path, " "), isShare(path));
    const value = isUnclear(path, rest.replace(path, " "))
      ? "unclear"
      : (relative ?? valueAfter(tokens, dotted, rest));
    return value === null || value === "unclear" ? null : nested(path, value);
  }
  const corrected = correctPhrases(rest);
  const clauses = corrected.split(/[,;:]\s+|\s(?:e|and)\s/);
  const changes = changesIn(clauses) ?? changesIn([corrected]);
  return changes === null ? null : changes.reduce(deepMerge);
}

type Field = NonNullable<ReturnType<typeof policyField>>;

/**
 * What clauses set, one field each. One without a value has that of the next ("the daily and monthly limits"). Null where
 * nothing is set, or one amount is unclear: half of what was asked for is not what was asked for.
 */
function changesIn(clauses: readonly string[]): Fields[] | null {
  const found: Fields[] = [];
  let waiting: Field[] = [];
  let last: { kind: Field["kind"]; value: unknown } | null = null;
  let direction: Direction | null = null;
  for (const clause of clauses) {
    direction = directionIn(clause) ?? direction;
    const field = policyField(clause);
    if (field === undefined) {
      // "… to 300, no wait, 250": an amount that belongs to nothing may be the one that is meant.
      if (amountsIn(clause).length > 0) return null;
      continue;
    }
    const value = amountIn(field, clause, direction);
    if (value === "unclear") return null;
    if (value === null) {
      waiting.push(field);
      continue;
    }
    const alike = waiting.filter(({ kind }) => kind === field.kind);
    found.push(...[...alike, field].map(({ path }) => nested(path, value)));
    // "Double the monthly and the daily limit": what is said of the first holds for those behind it.
    last = isObject(value) ? { kind: field.kind, value } : null;
    waiting = [];
  }
  if (waiting.some(({ kind }) => kind !== last?.kind)) return null;
  found.push(...waiting.map(({ path }) => nested(path, last?.value)));
  return found.length === 0 ? null : found;
}

const isShare = (path: string): boolean => /(?:^|\.)(?:max_error_rate|alert_at)$/.test(path);

/** The value that a text gives a field: itself, or relative to the live one. */
export function amountIn(
  { kind, path }: Pick<Field, "kind" | "path">,
  text: string,
  direction: Direction | null = null,
): unknown {
  if (kind !== "word" && isUnclear(path, text)) return "unclear";
  const relative = relativeIn(text, isShare(path), direction);
  if (relative === null) return readValue(kind, withoutOrigin(text));
  return kind === "number" ? relative : "unclear";
}

const deepMerge = (a: Fields, b: Fields): Fields => {
  const merged = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const old = merged[key];
    merged[key] = isObject(old) && isObject(value) ? deepMerge(old, value) : value;
  }
  return merged;
};

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null;

/** Longer words of the phrases above, in which a slip is forgiven. */
const phraseWords = (
  "monthly mensal daily diario diaria tokens approval approvals aprovacao aprovacoes timeout latency latencia probes " +
  "sondas interval intervalo autoaprovacao expiry expira expiracao maximum maximo maxima"
).split(" ");

const correctPhrases = (folded: string): string =>
  folded.replace(/[a-z]{5,}/g, (word) => {
    if (phraseWords.includes(word) || sensesOf(word).length > 0) return word;
    return phraseWords.find((each) => each[0] === word[0] && typos(word, each, 1) === 1) ?? word;
  });

function readValue(kind: "number" | "duration" | "word", text: string): unknown {
  if (kind === "duration") return readDuration(text);
  if (kind === "number") {
    const value = lastNumber(text) ?? wordNumber(text);
    const inMinutes =
      value !== null && /\btime-?out\b/.test(text) && /\d\s*(min|minutes?|minutos?)\b/.test(text);
    return inMinutes ? value * 60 : value;
  }
  return (
    text
      .split(/[^a-z_]+/)
      .map((word) => policyWords[word])
      .findLast((word) => word !== undefined) ?? null
  );
}

const wordNumber = (text: string): number | null =>
  text
    .split(/[^a-z]+/)
    .slice(1)
    .filter((word) => !/^(um|uma|one)$/.test(word) || /\b(para|to) (um|uma|one)\b/.test(text))
    .map(readNumber)
    .findLast((value) => value !== null) ?? null;

function valueAfter(tokens: readonly Token[], index: number, folded: string): unknown {
  const token = tokens.slice(index + 1).findLast((each) => !isPunctuation(each));
  if (token === undefined) return null;
  if (/^(true|sim|yes)$/.test(token.word)) return true;
  if (/^(false|nao|no)$/.test(token.word)) return false;
  return lastNumber(folded) ?? policyWords[token.word] ?? token.raw;
}

const nested = (path: string, value: unknown): Fields =>
  path.split(".").reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Fields;
