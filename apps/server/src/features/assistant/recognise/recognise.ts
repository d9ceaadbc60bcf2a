import type { Intent } from "@ciclo/contract";
import { fold } from "../../../lib/fold.ts";
import {
  agentFields,
  agentName,
  artefactNoun,
  artifactFields,
  type Fields,
  isAddress,
  isName,
  type Known,
  onboardingFields,
  serverName,
} from "./fields.ts";
import { leftovers } from "./leftovers.ts";
import { opensWithField, policyField, policyFields, policyId } from "./policy-fields.ts";
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
  /^(what|which|who|whom|whose|when|where|why|how|is|are|was|were|do (?:i|you|we|they|the)|does|did|can i|can we|can an|can a|can the|could i|may i|should|has|have|am i|o que|oque|que|qual|quais|quem|quando|onde|por que|porque|pq|como|quanto|quantos|quantas|existe|existem|ha|tem|posso|podemos|devo|sera que|e possivel|explain|explique|tell me|me diga|me explique|show|mostre|mostra|list|liste|lista|help|ajuda|describe|descreva)\b/;

/** A story begins with its time: "ontem o time aumentou…", "last week somebody asked to remove…". */
const past =
  /^\s*(?:yesterday|last (?:week|month|year|night|sprint)|previously|earlier|once|(?:some|a few|two|\d+) (?:days|weeks|months) ago|ontem|anteontem|antes|antigamente|semana passada|mes passado|ano passado|na (?:semana|sprint) passada|no (?:mes|ano) passado|ha (?:\d+|alguns|algumas|um|uma|dois|duas) (?:dias?|semanas?|mes(?:es)?)|outro dia)\b/;

const cancelling =
  /^\s*(cancel(a|e|ar)?|esquec[ae]|esquecer|deixa (pra|para) la|never ?mind|forget (it|that)|nada disso|desist[oi]r?|abort(e|ar)?)\b/;

/** Polite ways to ask for something that end in a question mark all the same. */
const askedPolitely =
  /^\s*(?:\S+\s+){0,3}?(?:can you|could you|would you|will you|voces? podem?|vc pode|pode|podem|poderia|da pra|consegue)\b/;

/** Of what was said, a word on it: "remove the agent x was the title of the ticket". */
const remark =
  /\b(?:was|were|is|foi|era|e) (?:the|o|a|um|uma|an?) (?:title|name|subject|wording|question|titulo|nome|assunto|pergunta|frase)\b/;

/** Taken back in the same breath: "… on second thought, don't", "… deixa pra lá". */
const retracted =
  /\b(?:on second thoughts?|never ?mind|forget (?:it|that|about)|cancel (?:that|it)|scratch that|just kidding|no way|leave it|(?:actually|wait|hmm)[,;:. ]+(?:no|don['’]?t|do not|cancel|stop)|(?:do not|don['’]?t) do (?:it|that)|deixa (?:pra|para) la|esquec[ae]|(?:no,? wait|wait,? no)\b(?![,;:. ]*(?:make it |to )?\$?\d)|keep (?:it|them|the old)|leave (?:it|them|things)|deix[ae] (?:como|assim|quiet|estar)|mantenh?a?m? (?:como|assim)|so que nao|ou melhor,? (?:nao|deixa|esquec)|mudei de ideia|changed my mind|disregard (?:that|this|it)|(?:seria|would be) (?:um|uma|a|an|pessim|ruim|otim|bad|wrong|terrible|great)|(?:e|is) (?:uma |a )?(?:ma|boa|bad|good) idei?a|nem pensar|brincadeira|mentira|nao faca isso|cancela isso|pensando bem,? nao|melhor nao)\b|\b(?:or|ou) (?:not|nao)\s*\?|[-–—,.;]\s*(?:don['’]?t|nao|no|nah|nope)(?:[,.! ]+(?:deixa|deixe|nao|no|stop|pare))?[.!]*\s*$/;

/** What the configuration has no word for: a request that is limited so is not the request without it. */
const limited =
  /\b(?:only|except|unless|if|but not|weekends?|weekdays?|holidays?|per (?:user|person|agent|team|caller|project)|only when|only after|after approval|until|somente|apenas|so se|exceto|a menos que|a nao ser que|caso|desde que|fins? de semana|feriados?|por (?:usuario|pessoa|agente|equipe|time|chamador|projeto)|ate que|if and when|from (?:an? |the )?(?:admins?|planners?|viewers?)|(?:de|dos|por) (?:admins?|administradores|planejadores|planners?))\b|\w+\/\*\*/;

/** Verbs count only where a request begins, within its first words. */
const verbReach = 4;
/** What may stand right before the verb of a request and says nothing. */
const idle =
  /^(?:pls|plz|please|favor|por|me|nos|to|voce|voces|vc|you|poderia|pode|ciclo|agora|now|ja|just|also|tambem|entao|then|hey|oi|ola|to|de|kindly)$/;
const scope = /^(?:from|do|da|de|no|na|nos|nas|for|para|in|on|com|with|using|usando|em|at)$/;

/** A message that may ask for something: folded, its polite opening, and what follows that. */
type Opening = { folded: string; polite: string; rest: string; isLimited: boolean };

/** How a message opens; null for one that asks, tells of something, or takes it back: nothing is done for it. Pure. */
function opening(message: string): Opening | null {
  const folded = joinPhrases(fold(message).trim());
  const polite = politeness.exec(folded)?.[0] ?? "";
  const rest = folded.slice(polite.length);
  if (interrogatives.test(rest) || interrogatives.test(folded)) return null;
  // "Adicionar um agente muda o orçamento?" asks; "pode adicionar um agente?" requests.
  if (/\?\s*$/.test(folded) && !askedPolitely.test(polite)) return null;
  if (remark.test(folded) || retracted.test(folded)) return null;
  if (polite === "" && past.test(folded)) return null;
  return { folded, polite, rest, isLimited: limited.test(unquoted(folded)) };
}

const isCancelled = (message: string): boolean => {
  const folded = joinPhrases(fold(message).trim());
  return cancelling.test(folded) && folded.length < 60;
};

/** Takes a message for a request, a question, or a change of mind. Rules only; no model. */
export function recognise(message: string, known: Known): Recognised {
  if (isCancelled(message)) return { kind: "cancel" };
  const opened = opening(message);
  if (opened === null) return { kind: "question" };
  const { folded, polite, isLimited } = opened;
  const tokens = tokenise(joinPhrases(message));
  const start = tokenise(folded.slice(0, polite.length)).length;
  const intent = intentOf(tokens, start, folded, known);
  if (intent === null) return { kind: "question" };
  const fields = fieldsFor(intent, message, known);
  const name =
    intent === "remove_agent" ? fields["agent_name"] : intent === "remove_server" ? fields["server"] : null;
  if (typeof name === "string" && leftovers(folded, name).length > 0) return { kind: "question" };
  const isForSome = intent === "edit_policies" && (ofFile.test(folded) || forSome(folded, known.policies));
  if (!isForSome && !isLimited) return { kind: "request", intent, fields };
  if (intent === "remove_agent" || intent === "remove_server") return { kind: "question" };
  // The policy is known, and what it should say is asked for.
  if (intent === "edit_policies") delete fields.changes;
  return { kind: "request", intent, fields };
}

/** A file that a change would be of: what a policy says of one is more than a value. */
const ofFile = /\b(?:policies|agents|docs)\/[\w./*-]+|\b[\w-]+\.(?:ya?ml|json)\b/;
/** "… to 900 for Ana", "… para 300 dólares para a equipe de dados": whom it is for, behind the amount. */
const behindAmount =
  /(?:\d[\d.,]*|\b(?:one|two|three|um|uma|dois|duas|tres))\s*(?:k|mil|usd|dollars?|dolares|dolar|tokens?|%|h|hours?|horas?|d|days?|dias?|s|seconds?|segundos?|ms|votes?|votos?|approvals?|approvers?|aprovacoes|aprovadores)?\s+(?:so |somente |apenas |only |just )?(?:for|para|pra|to|em|in|on)\s+(?:changes? (?:to|of|in) |mudancas? (?:em|de|na|no|nas|nos) )?(?:the |a |o |as |os |an |all |todas? |todos )?([a-z][\w-]*)/g;
const notSomebody =
  /^(?:month|months|mes|meses|day|days|dia|dias|year|policy|politica|now|agora|favor|each|cada|limit|limite|me|mim|please|it|this|default|padrao|approvals?|aprovacoes|everyone|everybody|todos|all|tokens?|changes?|mudancas?)$/;

/** Whether an amount is said to be for somebody or something that is no policy. */
const forSome = (folded: string, policies: readonly string[]): boolean =>
  [...folded.matchAll(behindAmount)].some(
    ([, word = ""]) => !notSomebody.test(word) && !policies.includes(word) && !/^\d/.test(word),
  );

const unquoted = (text: string): string => text.replaceAll(/"[^"]*"|“[^”]*”|`[^`]*`/g, " ");

/** Verbs of two words, said as one. */
const joinPhrases = (message: string): string =>
  message
    .replace(/\b(set|hook|spin|wire) up\b|\bplug in\b/gi, "add")
    .replace(/\bget rid of\b|\btake out\b/gi, "remove")
    .replace(/\bput together\b/gi, "compose");

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
    case "onboard_server":
      return onboardingFields(tokens, known);
    case "remove_server":
    case "accept_tools": {
      const server = serverName(tokens, known);
      return server === null ? {} : { server };
    }
    case "edit_server": {
      const server = serverName(tokens, known);
      const { endpoint } = onboardingFields(tokens, known);
      return {
        ...(server === null ? {} : { server }),
        ...(endpoint === undefined ? {} : { changes: { url: endpoint } }),
      };
    }
    case "import_servers":
      return {};
    case "edit_policies":
      return policyFields(tokens, fold(message), known);
    case "generate_artifact":
      return artifactFields(tokens, known);
  }
}

function intentOf(tokens: readonly Token[], start: number, folded: string, known: Known): Intent | null {
  const lead = tokens.slice(start, start + verbReach);
  const verb = lead.findIndex((token) => isVerb(token));
  if (lead.some((token) => is(token, "told")) && verb < 0) return null;
  if (verb > 0 && !leadsTo(lead.slice(0, verb), tokens[start - 1])) return null;
  // "from repository x, add agent y": the verb comes later, behind a place or purpose.
  const at = verb >= 0 ? start + verb : lateVerb(tokens, start);
  if (at >= 0) return isNegated(tokens, at) ? null : byVerb(tokens, at, folded, known);
  return namedThing(tokens, start) ?? settledPolicy(tokens, folded, known);
}

const verbs: Sense[] = ["add", "remove", "edit", "generate", "accept"];
const is = (token: Token | undefined, sense: Sense): boolean =>
  token !== undefined && !token.quoted && sensesOf(token.word).includes(sense);
const isVerb = (token: Token): boolean => verbs.some((sense) => is(token, sense));

/** "não remova", "don't delete": what is said not to be done. */
const isNegated = (tokens: readonly Token[], verb: number): boolean =>
  tokens
    .slice(Math.max(0, verb - 3), verb)
    .some(({ word }) => /^(nao|nunca|never|not|dont|don['’]t|jamais)$/.test(word));

/**
 * Whether words open a request: idle ones, a place or purpose, a clause of their own before a comma, or a wish ("que …").
 * Others say that it is asked about, imagined, or not to be done: "quero saber se …", "before you …", "under no circumstances …".
 */
function leadsTo(lead: readonly Token[], before: Token | undefined): boolean {
  const [first] = lead;
  const said = lead.filter(({ word }) => !idle.test(word));
  const last = said.at(-1);
  return (
    last === undefined ||
    before?.word === "que" ||
    scope.test(first?.word ?? "") ||
    /^[,:;.]$/.test(last.word)
  );
}

/** A verb behind an opening that only says where, what for, or that it is wished. */
function lateVerb(tokens: readonly Token[], start: number): number {
  const opening = tokens[start]?.word ?? "";
  const wished = tokens[start - 1]?.word === "que";
  if (!wished && !scope.test(opening)) return -1;
  return tokens.findIndex((token, index) => index > start && isVerb(token));
}

/** "new agent x", "I need a runbook about y", "finops checklist in z": the thing itself, with no verb. */
function namedThing(tokens: readonly Token[], start: number): Intent | null {
  const lead = tokens.slice(start, start + 3);
  if (tokens.some((token) => is(token, "told"))) return null;
  if (tokens.some(({ word }) => /^(is|are|was|were|foi|esta|estao|sao|tem|has|have|nao|not)$/.test(word)))
    return null;
  if (artefactNoun(lead) !== null) return "generate_artifact";
  const isNew = lead.slice(0, 2).some(({ word }) => /^(nov[oa]|new)$/.test(word));
  if (!isNew) return null;
  if (tokens.some((token) => is(token, "agent"))) return "add_agent";
  return tokens.some((token) => is(token, "policy")) ? "edit_policies" : null;
}

/** "policy cost: timeout 30", "approvals should expire after 48h": a policy, a field, and what it is to be. */
function settledPolicy(tokens: readonly Token[], folded: string, known: Known): Intent | null {
  const named = policyFields(tokens, folded, known);
  const said = tokens.map(({ raw }) => raw);
  if (named.policy_id === undefined || named.changes === undefined) return null;
  const isOrder = /\b(should|must|deve|devem|precisa|precisam|tem que|has to|have to)\b/.test(folded);
  const isHeading = /^[^.,?]{0,40}:/.test(folded) && /polic|politic/.test(folded.split(":")[0] ?? "");
  if (isOrder || isHeading) return "edit_policies";
  const isRemark =
    /\b(is|are|was|were|has|foi|esta|era|tem|\w{3,}(ed|ou|aram))\b|[?]\s*$/.test(folded) ||
    said.includes("é");
  return opensWithField(folded) && !isRemark ? "edit_policies" : null;
}

function byVerb(tokens: readonly Token[], verb: number, folded: string, known: Known): Intent | null {
  const token = tokens[verb];
  const after = tokens.slice(verb + 1);
  const agent = after.findIndex((each) => is(each, "agent"));
  const policy = after.findIndex((each) => is(each, "policy"));
  const artefact = artefactNoun(after);
  const namesPolicy = policyId(tokens, known) !== null;
  const server = after.findIndex((each) => is(each, "server"));
  const serverFirst =
    server >= 0 && [agent, policy, artefact?.index ?? -1].every((other) => other < 0 || server < other);
  if (is(token, "accept")) {
    const tools = after.some((each) => is(each, "tools"));
    return tools && serverName(after, known) !== null ? "accept_tools" : null;
  }
  if (serverFirst && is(token, "remove")) return "remove_server";
  if (serverFirst && is(token, "add")) return "onboard_server";
  if (serverFirst && is(token, "edit") && after.some(isAddress)) return "edit_server";
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
  if (is(token, "add") && after.some(isAddress)) return "add_agent";
  if (is(token, "generate") && artefact !== null) return "generate_artifact";
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
  const next = tokens.slice(verb + 1).find((token) => !/^(o|a|um|uma|an|the|agente|agent)$/.test(token.word));
  return isName(next) && verb >= 0 ? next.word : null;
}
