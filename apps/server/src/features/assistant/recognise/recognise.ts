import type { Intent } from "@ciclo/contract";
import { fold } from "../../../lib/fold.ts";
import { agentFields, agentName, artefactNoun, artifactFields, type Fields, type Known } from "./fields.ts";
import { policyField, policyFields, policyId } from "./policy-fields.ts";
import { type Sense, sensesOf } from "./lexicon.ts";
import { type Token, tokenise } from "./tokens.ts";

/** What a message was taken for. A request names its intent and the fields that were understood. */
export type Recognised =
  | { kind: "request"; intent: Intent; fields: Fields }
  | { kind: "cancel" }
  | { kind: "question" };

/** Ways to begin a request politely. What follows decides. */
const politeness =
  /^\s*(?:(?:hi|hello|hey|oi|ola|bom dia|boa tarde|please|por favor|pf|can you|could you|would you|will you|voce pode|voces podem|vc pode|pode|poderia|da pra|consegue|gostaria de|gostaria que voce|gostaria que|queria|quero que voce|quero que|quero|preciso que voce|preciso que|preciso de|preciso|i want you to|i want to|i want|i would like you to|i would like to|i'd like to|i'd like|i need you to|i need to|i need|we need to|we need|we want to|let's|lets|vamos|e|and|now|agora|entao|so|also|tambem|temos que|temos de|precisamos|just|ok)\b[\s,!.:;]*)+/;

const interrogatives =
  /^(what|which|who|whom|whose|when|where|why|how|is|are|was|were|do|does|did|can i|can we|can an|can a|can the|could i|may i|should|has|have|am i|o que|oque|que|qual|quais|quem|quando|onde|por que|porque|pq|como|quanto|quantos|quantas|existe|existem|ha|tem|posso|podemos|devo|sera que|e possivel|explain|explique|tell me|me diga|me explique|show|mostre|mostra|list|liste|lista|help|ajuda|describe|descreva)\b/;

const cancelling =
  /^\s*(cancel(a|e|ar)?|esquec[ae]|esquecer|deixa (pra|para) la|never ?mind|forget (it|that)|nada disso|desist[oi]r?|abort(e|ar)?)\b/;

/** Verbs count only where a request begins, within its first words. */
const verbReach = 4;

/** Takes a message for a request, a question, or a change of mind. Rules only; no model. */
export function recognise(message: string, known: Known): Recognised {
  const folded = fold(message).trim();
  if (cancelling.test(folded) && folded.length < 60) return { kind: "cancel" };
  const polite = politeness.exec(folded)?.[0] ?? "";
  const rest = folded.slice(polite.length);
  if (interrogatives.test(rest) || (interrogatives.test(folded) && polite === ""))
    return { kind: "question" };
  const tokens = tokenise(message);
  const start = tokenise(folded.slice(0, polite.length)).length;
  const intent = intentOf(tokens, start, folded, known);
  return intent === null
    ? { kind: "question" }
    : { kind: "request", intent, fields: fieldsFor(intent, message, known) };
}

/** The fields of an intent that a message holds, also where it is an answer or a correction. */
export function fieldsFor(intent: Intent, message: string, known: Known): Fields {
  const tokens = tokenise(message);
  switch (intent) {
    case "add_agent":
      return agentFields(tokens, known);
    case "remove_agent": {
      const name = agentName(tokens, known) ?? nameAfterVerb(tokens);
      return name === null ? {} : { agent_name: name };
    }
    case "edit_policies":
      return policyFields(tokens, fold(message), known);
    case "generate_artifact":
      return artifactFields(tokens, known);
  }
}

function intentOf(tokens: readonly Token[], start: number, folded: string, known: Known): Intent | null {
  const lead = tokens.slice(start, start + verbReach);
  const verb = lead.findIndex((token) => isVerb(token));
  const told = lead.some((token) => is(token, "told"));
  const announces =
    /^(nov[oa]|new)$/.test(lead[0]?.word ?? "") || /^(nov[oa]|new)$/.test(lead[1]?.word ?? "");
  // "from repository x, add agent y": the verb comes later, behind a comma or place.
  const later = verb >= 0 ? start + verb : lateVerb(tokens, start);
  if (later < 0) return announces && !told ? newThing(tokens) : null;
  if (told && verb < 0) return null;
  return byVerb(tokens, later, folded, known);
}

const verbs: Sense[] = ["add", "remove", "edit", "generate"];
const is = (token: Token | undefined, sense: Sense): boolean =>
  token !== undefined && !token.quoted && sensesOf(token.word).includes(sense);
const isVerb = (token: Token): boolean => verbs.some((sense) => is(token, sense));

/** A verb right behind a comma, or behind an opening that only says where or what for. */
function lateVerb(tokens: readonly Token[], start: number): number {
  const opening = tokens[start]?.word ?? "";
  if (!/^(from|do|da|de|no|na|for|para|in|on|com|with|using|usando)$/.test(opening)) return -1;
  return tokens.findIndex((token, index) => index > start && isVerb(token));
}

const newThing = (tokens: readonly Token[]): Intent | null => {
  if (artefactNoun(tokens) !== null) return "generate_artifact";
  if (tokens.some((token) => is(token, "agent"))) return "add_agent";
  return tokens.some((token) => is(token, "policy")) ? "edit_policies" : null;
};

function byVerb(tokens: readonly Token[], verb: number, folded: string, known: Known): Intent | null {
  const token = tokens[verb];
  const after = tokens.slice(verb + 1);
  const agent = after.findIndex((each) => is(each, "agent"));
  const policy = after.findIndex((each) => is(each, "policy"));
  const artefact = artefactNoun(after);
  const namesPolicy = policyId(tokens, known) !== null;
  if (is(token, "remove")) {
    if (artefact !== null && (agent < 0 || artefact.index < agent)) return null;
    const mentioned = after.some((each) => known.agents.includes(each.word));
    return (agent >= 0 && (policy < 0 || agent < policy)) || mentioned ? "remove_agent" : null;
  }
  const artefactFirst =
    artefact !== null && (agent < 0 || artefact.index < agent) && (policy < 0 || artefact.index < policy);
  if ((is(token, "add") || is(token, "generate")) && artefactFirst) return "generate_artifact";
  if (is(token, "add") && agent >= 0 && (policy < 0 || agent < policy)) return "add_agent";
  if (is(token, "add") && policy >= 0) return "edit_policies";
  if (is(token, "generate")) return artefact === null ? null : "generate_artifact";
  if (is(token, "edit")) {
    const limit = after.some((each) => is(each, "limit"));
    const namesField = policyField(folded) !== undefined;
    return policy >= 0 || namesPolicy || (limit && namesField) || (namesField && agent < 0)
      ? "edit_policies"
      : null;
  }
  return null;
}

function nameAfterVerb(tokens: readonly Token[]): string | null {
  const verb = tokens.findIndex((token) => is(token, "remove"));
  const next = tokens.slice(verb + 1).find((token) => !/^(o|a|the|agente|agent)$/.test(token.word));
  return verb < 0 || next === undefined ? null : next.word;
}
