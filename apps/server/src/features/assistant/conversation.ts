import { type Intent, intentFields, intentPayloads } from "@ciclo/contract";
import { fold } from "../../lib/fold.ts";
import type { Fields, Known } from "./recognise/fields.ts";
import { fieldsFor, recognise } from "./recognise/recognise.ts";
import { amountIn, policyField } from "./recognise/policy-fields.ts";
import { slugOf } from "./recognise/tokens.ts";

/** What a thread remembers of the request it speaks of. */
export type Pending = {
  intent: Intent;
  payload: Fields;
  /** Where a value belongs that was not understood yet, or not said: `limits.monthly_usd`. */
  field?: string | undefined;
};

/** What a message means in its thread. */
export type Turn =
  | { kind: "request"; pending: Pending; missing: string[] }
  | { kind: "cancelled" }
  /** An amount that is relative to something that is not there, or not known. */
  | { kind: "unclear" }
  | { kind: "question" };

const correcting =
  /\b(na verdade|actually|instead|em vez|ao inves|corrija|corrige|quis dizer|i meant|alias|sorry|desculpa|melhor|make it|troque|mude|muda|altere|change|use|usa|com|with|nao|no|o nome|the name|e tambem|also|add|adicione|inclua|set|defina)\b/;

/**
 * Understands a message with what its thread remembers: a new request, an answer to
 * what was asked, a correction, or a question of its own. Pure.
 */
export function takeTurn(message: string, pending: Pending | null, known: Known): Turn {
  const recognised = recognise(message, known);
  if (recognised.kind === "cancel") return { kind: "cancelled" };
  const answer = pending === null || missingFields(pending).length === 0 ? null : wordsOnly(message);
  if (answer === "no") return { kind: "cancelled" };
  if (pending !== null && answer === "unsure") return request(pending);
  if (recognised.kind === "request" && !isCorrection(recognised, pending)) {
    const asked = { intent: recognised.intent, payload: recognised.fields };
    return request({ ...asked, ...fieldSaid(asked, message) });
  }
  if (pending === null || isQuestion(message)) return { kind: "question" };
  const corrected = correction(message, pending, known) ?? fieldOnly(message, pending);
  return corrected === null ? { kind: "question" } : request(corrected);
}

const refusing = new Set(
  "nao no nope nah nada nenhum nenhuma none nothing never nunca jamais desisto stop pare deixa deixe esquece esqueca esquecer cancela cancele cancel cancelar forget".split(
    " ",
  ),
);
const hesitating = new Set(
  `ok okay okey sim yes yeah yep claro sure certo wait espera espere calma depende talvez maybe depois later sei saber know
   hm hmm uh ainda yet idk certeza`.split(/\s+/),
);
const beside = new Set(
  `melhor mais quero queria preciso want need please por favor obrigado obrigada thanks thank you i eu o a um uma one it isso que de
   do dont don't sure now agora any um anymore mesmo hold on not bem vou pensar think about let me la pra para that mind`.split(
    /\s+/,
  ),
);

/**
 * What an answer means that holds no value, though a name could be written so: "no", "não quero mais"; "ok", "não sei", of which
 * nobody's agent is called either. Null for any other.
 */
function wordsOnly(message: string): "no" | "unsure" | null {
  const words = fold(message).match(/[a-z0-9'’-]+/g) ?? [];
  const [isNo, isUnsure] = [refusing, hesitating].map((set) => words.some((word) => set.has(word)));
  const known = words.every((word) => refusing.has(word) || hesitating.has(word) || beside.has(word));
  if (!known || (isNo !== true && isUnsure !== true)) return null;
  return isUnsure === true ? "unsure" : "no";
}

/** The field that a message speaks of without a value that could be taken. */
function fieldSaid({ intent, payload }: Pending, message: string): { field?: string } {
  if (intent !== "edit_policies" || payload.changes !== undefined) return {};
  const field = policyField(fold(message));
  return field === undefined || field.kind === "word" ? {} : { field: field.path };
}

/** "The monthly limit", where it was asked what should change. */
function fieldOnly(message: string, pending: Pending): Pending | null {
  const said = fieldSaid(pending, message);
  return said.field === undefined ? null : { ...pending, ...said };
}

/** "change the limit to 800" while that very limit is being planned. */
function isCorrection(recognised: { intent: Intent; fields: Fields }, pending: Pending | null): boolean {
  if (pending === null || pending.intent !== recognised.intent) return false;
  const key = keyField(pending.intent);
  const named = recognised.fields[key];
  return named === undefined || named === pending.payload[key];
}

const keyField = (intent: Intent): string => intentFields(intent).required[0] ?? "";

const isQuestion = (message: string): boolean => message.trim().endsWith("?");

function correction(message: string, pending: Pending, known: Known): Pending | null {
  const missing = missingFields(pending);
  const asked = missing[0];
  const found = fieldsFor(pending.intent, message, known);
  if (asked !== undefined && found[asked] === undefined) {
    const answer = bareAnswer(asked, message, known.policies);
    if (answer !== undefined)
      return { ...pending, payload: { ...pending.payload, ...found, [asked]: answer } };
  }
  const alone = numberAlone(message, pending);
  // "10 % more", "double it": an amount and hardly a word beside it.
  const isAmount = Object.keys(alone).length > 0 && message.trim().split(/\s+/).length <= 4;
  const speaks = correcting.test(fold(message)) || missing.length > 0 || isAmount;
  const changed = { ...alone, ...found };
  if (!speaks || Object.keys(changed).length === 0) return null;
  return { ...pending, payload: merge(pending.payload, changed) };
}

/** A message that is nothing but the value asked for. */
function bareAnswer(field: string, message: string, policies: readonly string[]): unknown {
  const text = message.trim().replace(/[.!]+$/, "");
  const words = text.split(/\s+/);
  if (field === "endpoint") return words.find((word) => /^(https?|wss?):\/\//.test(word));
  // Of policies there are those that there are.
  if (field === "policy_id") return words.map(slugOf).find((word) => policies.includes(word));
  if (field === "agent_name" || field === "server") {
    const last = words.at(-1) ?? "";
    return words.length <= 4 && slugOf(last) !== "" ? slugOf(last.replace(/["“”`]/g, "")) : undefined;
  }
  if (field === "target_path") return words.find((word) => /[/.]/.test(word))?.replace(/["“”`]/g, "");
  return undefined;
}

/** "actually 800": the value of the one number that is being changed. */
function numberAlone(message: string, pending: Pending): Fields {
  if (pending.intent !== "edit_policies") return {};
  const path = onlyLeaf(pending.payload.changes) ?? pending.field?.split(".") ?? null;
  if (path === null) return {};
  const kind = path.at(-1) === "expires_after" ? "duration" : "number";
  const value = amountIn({ kind, path: path.join(".") }, fold(message));
  if (value === null || value === "unclear" || (typeof value === "number" && !/\d/.test(message))) return {};
  return { changes: path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) };
}

function onlyLeaf(changes: unknown): string[] | null {
  const path: string[] = [];
  let node = changes;
  while (typeof node === "object" && node !== null && !Array.isArray(node)) {
    const keys = Object.keys(node);
    const [key] = keys;
    if (keys.length !== 1 || key === undefined) return null;
    path.push(key);
    node = (node as Fields)[key];
  }
  return typeof node === "number" ? path : null;
}

const merge = (before: Fields, changes: Fields): Fields => {
  const merged: Fields = { ...before };
  for (const [key, value] of Object.entries(changes)) {
    const old = merged[key];
    merged[key] = isObject(old) && isObject(value) ? merge(old, value) : value;
  }
  return merged;
};

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const request = (pending: Pending): Turn => ({ kind: "request", pending, missing: missingFields(pending) });

/** Required fields that are not there, and what an intent needs besides. */
export function missingFields({ intent, payload }: Pending): string[] {
  const lacks = (field: string): boolean => payload[field] === undefined;
  // The tools are those that the server offers when the plan is made.
  const found = intent === "accept_tools" ? ["tools"] : [];
  const required = intentFields(intent).required.filter((field) => lacks(field) && !found.includes(field));
  if (intent === "edit_policies" && lacks("changes")) return [...required, "changes"];
  if (intent === "onboard_server" && lacks("endpoint") && lacks("command")) return [...required, "endpoint"];
  return required;
}

/** Fields of a payload that its intent takes, so that a thread never holds others. */
export const knownFields = (intent: Intent, payload: Fields): Fields =>
  Object.fromEntries(Object.entries(payload).filter(([field]) => field in intentPayloads[intent].shape));
