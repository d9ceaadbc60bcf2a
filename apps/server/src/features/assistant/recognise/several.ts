import type { Intent } from "@ciclo/contract";
import { fold } from "../../../lib/fold.ts";
import { amountsIn } from "./amounts.ts";
import type { Known } from "./fields.ts";
import { sensesOf } from "./lexicon.ts";
import { recognise } from "./recognise.ts";
import { slugOf, tokenise } from "./tokens.ts";

/** Where one thing that is asked for may end and the next begin: a full stop, or a mere "and". */
const seams =
  /\s*(?:;|\n+|(?<=[.!])\s+|,?\s+\b(?:plus|while also|as well as|al[ée]m de)\s+|\s+[&+]\s+|,?\s+\b(?:e|and)\s+(?:depois |tambem |também |then |also )?|,\s*(?:depois|then|also|e|and|tambem|também)\s+|,\s+)/gi;
const fullStop = /[;.!\n]/;
const maxParts = 20;
/** A part that names another thing of the same kind, and leaves the verb out: "… and the agent sales". */
const namesAnother =
  /^(?:(?:o|a|os|as|the|um|uma|an?) )?(?:agente?s?|servers?|servidor(?:es)?|polic(?:y|ies)|politicas?)\b/;
/** "Same for spend-guard", "idem para …", "another at …". */
const alike = /^(?:(?:the )?same (?:for|with|goes)|idem\b|o mesmo (?:para|com|vale)|another\b|outr[oa]\b)/;
const besides = /\b(?:plus|while also|as well as|al[ée]m de)\b/i;
const courtesy = /^(?:thanks?|thank you|thx|cheers|obrigad[oa]|valeu|please|por favor|pls|ok)\b/;
/** Orders that are no change of the configuration: nobody lists them among an agent's capabilities. */
const otherOrder =
  /^(?:grant|give|rotate|revoke|restart|disable|enable|approve|reject|roll ?back|revert|submit|deploy|stop|start|conceda|conceder|de|rotacione|rotacionar|revogue|revogar|reinicie|reiniciar|desabilite|desative|habilite|ative|aprove|aprovar|rejeite|rejeitar|reverta|reverter|submeta|submeter|pare|inicie)\s+\S+\s*\S/;
/** Requests whose words are names and values alone, so that an order behind them is one of its own. */
const plainIntents: ReadonlySet<Intent> = new Set([
  "edit_policies",
  "remove_agent",
  "remove_server",
  "edit_server",
  "accept_tools",
  "import_servers",
]);
const purpose = /\b(?:that|which|who|que|para|to|capaz|able|descri\w+|purpose|proposito)\b/;

type Part = { start: number; end: number; isRequest: boolean; intent: Intent | null };

/** The requests that a message makes, each in its own words; the message itself where it makes one. Pure. */
export function requestsIn(message: string, known: Known): string[] {
  const found: Part[] = [];
  for (const { start, end } of partsOf(message)) {
    const said = message.slice(start, end);
    const last = found.at(-1);
    const recognised = recognise(said, known);
    const intent = recognised.kind === "request" ? recognised.intent : null;
    const isNext = last?.isRequest === true && goesOn(message, last, { start, end }, known);
    // A list, a purpose or a name that contains "and" continues the part before it.
    if (intent !== null && last?.isRequest === false && !fullStop.test(message.slice(last.end, start))) {
      // "For spend-guard, set …": what stands before it says where.
      Object.assign(last, { end, isRequest: true, intent });
    } else if (intent !== null || isNext || last === undefined) {
      found.push({
        start,
        end,
        isRequest: intent !== null || isNext,
        intent: intent ?? last?.intent ?? null,
      });
    } else last.end = end;
  }
  const requests = found.filter(({ isRequest }) => isRequest);
  return requests.length > 1 ? requests.map(({ start, end }) => message.slice(start, end)) : [message];
}

/** Whether a part behind a request asks for something of its own, though it would be no request alone. */
function goesOn(
  message: string,
  last: Part,
  { start, end }: Pick<Part, "start" | "end">,
  known: Known,
): boolean {
  const before = message.slice(last.start, last.end);
  const said = message.slice(start, end);
  const folded = fold(said);
  if (courtesy.test(folded)) return false;
  if (alike.test(folded) || besides.test(message.slice(last.end, start))) return true;
  if (namesAnother.test(folded) || /^(?:https?|wss?):\/\//.test(folded)) return true;
  if (/\?\s*$/.test(said) && fullStop.test(message.slice(last.end, start + 1))) return true;
  const orders = isOrder(folded);
  if (last.intent !== null && plainIntents.has(last.intent)) {
    const isListed = /\b(?:e|and)\s/i.test(message.slice(last.end, start));
    const isLeft = isListed && (last.intent === "remove_agent" || last.intent === "remove_server");
    return orders || isLeft || namesOtherPolicy(before, said, known);
  }
  // "… and remove it", "… e remova-o".
  if (orders && /^[a-z]+-l?[oa]s?\b/.test(folded)) return true;
  return orders && otherOrder.test(folded) && !purpose.test(fold(before));
}

/** "Restart server hub": a verb and what it is about. */
function isOrder(folded: string): boolean {
  const [first, second] = tokenise(folded);
  if (first === undefined || second === undefined) return false;
  const senses = sensesOf(first.word);
  const isVerb = senses.some((sense) => ["add", "remove", "edit", "generate", "accept"].includes(sense));
  return isVerb || otherOrder.test(folded);
}

/** "… of spend-guard and of budget". */
const onlyNames =
  /^(?:of|for|in|on|de|do|da|para|pra|na|no)\s+(?:the |a |o )?(?:policy |politica )?[\w-]+[.!]?$/;

/** "… to 300 and of budget to 600": an amount for another policy than the one before it, or that name alone. */
function namesOtherPolicy(before: string, said: string, known: Known): boolean {
  const named = (text: string): Set<string> =>
    new Set(
      tokenise(text)
        .map(({ raw }) => slugOf(raw))
        .filter((name) => known.policies.includes(name)),
    );
  const [first, second] = [named(before), named(said)];
  const isOther = first.size > 0 && [...second].some((name) => !first.has(name));
  return isOther && (amountsIn(fold(said)).length > 0 || onlyNames.test(fold(said)));
}

function partsOf(message: string): { start: number; end: number }[] {
  const quoted = [...message.matchAll(/"[^"]*"|“[^”]*”|`[^`]*`/g)].map(({ index, 0: text }) => [
    index,
    index + text.length,
  ]);
  const parts = [];
  let start = 0;
  for (const seam of message.matchAll(seams)) {
    if (parts.length === maxParts - 1) break;
    if (quoted.some(([from = 0, to = 0]) => seam.index > from && seam.index < to)) continue;
    parts.push({ start, end: seam.index });
    start = seam.index + seam[0].length;
  }
  return [...parts, { start, end: message.length }].filter(
    (part) => message.slice(part.start, part.end).trim() !== "",
  );
}
