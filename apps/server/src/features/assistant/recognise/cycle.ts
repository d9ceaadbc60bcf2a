import type { CycleWish } from "../../../domain/cycle-wish.ts";

/**
 * A cycle spends money, so nothing is guessed: up to the colon a sentence has to be an order and nothing else. A word that is none
 * of these makes it something else: a condition, a time, a story, another request.
 */

const opens =
  /(?:(?:hi|hello|hey|oi|ol[aá]|bom dia|boa tarde|boa noite|tudo bem|please|por favor|favor|pf|ciclo|can you|could you|would you|will you|voc[eê] pode|vc pode|pode|poderia|consegue|(?:eu )?(?:gostaria|queria|quero|preciso)(?: de)?(?: que voc[eê])?|i(?:['’]d| would) like(?: you)? to|i want(?: you)? to|i need(?: you)? to|we need(?: you)? to|let['’]?s|vamos|go ahead and|now|agora|ent[aã]o|so|ok)(?![\w-])[\s,!.?]*)*/iy;
const asking = /\b(?:can|could|would|will) you\b|\b(?:pode|poderia|consegue)\b/i;
const begins =
  /(?:start|begin|open|launch|run|trigger|kick off|create|inicie|inicia|iniciar|comece|come[cç]a|come[cç]ar|abra|abre|abrir|rode|roda|rodar|dispare|dispara|disparar|crie|cria|criar|execute|executa|executar|fa[cç]a|fazer)(?:[ ,]+(?:please|por favor|me|a[ií]))*[ ,]+(?:(?:a|an|one|um|new|novo|another|outro|mais|delivery)\s+)*(?:cycle|ciclo)(?:\s+(?:de entrega|of delivery))?(?![\w-])/iy;

const before =
  /(?:(?:for|from|of|in|on|at|with|para|pra|do|da|de|no|na|em|com|against|about|sobre)\s+)?(?:(?:the|a|o)\s+)?/iy;
const issueAddress = /https?:\/\/[^\s"'<>,;]+?\/(?:-\/)?(?:issues|work_items)\/\d+(?=[\s.,!?:;]|$)/iy;
const numbered =
  /(?:issues?|chamado|ticket)\s*(?:n[º°o]?\.?\s*|number\s+|n[uú]mero\s+)?#?(\d{1,9})(?![\w-])|#(\d{1,9})(?![\w-])/iy;
const both = /([\w][\w./-]*)#(\d{1,9})(?![\w-])/iy;
const address =
  /(?:(?:reposit[oó]rio|repository|repo)\s+)?((?:https?:\/\/|ssh:\/\/|file:\/\/\/|[\w.-]+@[\w.-]+:)[^\s"'“”`,;<>]+|~?\/[^\s"'“”`,;:<>]+)/iy;
const named =
  /(?:reposit[oó]rio|repository|repo)\s+(?:chamado\s+|called\s+|named\s+)?["“`]?([\w][\w./-]*)["”`]?/iy;
const name = /["“`]?([\w][\w./-]*)["”`]?(?:\s+(?:repository|repo|reposit[oó]rio)(?![\w-]))?/iy;
const onBranch = /(?:branch|ramo)\s+["“`]?([\w][\w./-]*)["”`]?/iy;
const between = /[\s,.!?]*/y;
const closes = /(?:please|por favor|now|agora|thanks|thank you|obrigad[oa]|valeu)(?![\w-])/iy;
const noName =
  /^(?:the|this|that|a|an|o|os|as|um|uma|este|esse|reposit[oó]rio|repository|repo|branch|for|from|of|in|on|at|with|para|do|da|de|no|na|em|com|and|e|or|ou|if|se|when|quando|not|n[aã]o|please|issue)$/i;
const takesBack =
  /(?:\bn[aã]o,? (?:deix|esper|esque[cç]|precis)|\b(?:deixa|esque[cç]e|never ?mind|forget it|don['’]?t do (?:it|that)|on second thoughts?)\b)[^.!?\n]{0,20}[.!?]*\s*$/i;

/** Takes a message for the wish to start a delivery cycle; null for any other. Rules only. Pure. */
export function cycleAsked(message: string): CycleWish | null {
  const { head, tail } = parted(message.trim());
  const reading = new Reading(head);
  const polite = reading.take(opens)?.[0] ?? "";
  const isAsked = asking.test(polite);
  const wish: CycleWish = { issue: null, repository: null, branch: null };
  // "Para a issue 12 do agents-hub, inicie um ciclo": what it is for may come first.
  if (reading.take(begins) === null && !(takeParts(reading, wish) && reading.take(begins) !== null))
    return null;
  if (!takeParts(reading, wish) || !reading.isOver) return null;
  if (head.endsWith("?") && !isAsked) return null;
  if (tail === null) return wish;
  // What is wanted is said once; and "can you …: or does it need approval?" asks something.
  if (wish.issue !== null || takesBack.test(tail) || (isAsked && tail.endsWith("?"))) return null;
  return tail.length < 10 ? wish : { ...wish, issue: { words: tail.replace(/^["“`]([^"”`]*)["”`]$/, "$1") } };
}

/** The order, and what is wanted behind a colon or on further lines. A colon within an address is no end of the order. */
function parted(message: string): { head: string; tail: string | null } {
  const at = message.search(/:(?=\s)|:$|\n/);
  if (at < 0) return { head: message, tail: null };
  const tail = message.slice(at + 1).trim();
  return { head: message.slice(0, at).trimEnd(), tail: tail === "" ? null : tail };
}

/** Takes the parts of a wish, each once. False where one is said twice. */
function takeParts(reading: Reading, wish: CycleWish): boolean {
  for (;;) {
    reading.take(between);
    if (reading.take(closes) !== null) continue;
    const from = reading.at;
    const isLed = (reading.take(before)?.[0] ?? "").trim() !== "";
    const part = partAt(reading, isLed);
    if (part === null) {
      reading.at = from;
      return true;
    }
    const [repository, issue] = [part.repository ?? null, part.issue ?? null];
    if ((repository !== null && wish.repository !== null) || (issue !== null && wish.issue !== null))
      return false;
    wish.repository ??= repository;
    wish.issue ??= issue;
    wish.branch ??= part.branch ?? null;
  }
}

function partAt(reading: Reading, isLed: boolean): Partial<CycleWish> | null {
  const url = reading.take(issueAddress)?.[0];
  if (url !== undefined)
    return { issue: { address: url }, repository: url.replace(/\/(?:-\/)?(?:issues|work_items)\/\d+$/, "") };
  const branch = reading.take(onBranch)?.[1];
  if (branch !== undefined) return { branch };
  const number = reading.take(numbered);
  if (number !== null) return { issue: { number: Number(number[1] ?? number[2]) } };
  const one = reading.take(both);
  if (one !== null) return { repository: one[1] ?? null, issue: { number: Number(one[2]) } };
  const written = reading.take(address)?.[1];
  if (written !== undefined) return { repository: written.replace(/[.)!?]+$/, "") };
  const from = reading.at;
  // A name alone is one only behind a word that leads to it.
  const found = reading.take(named)?.[1] ?? (isLed ? reading.take(name)?.[1] : undefined);
  const repository = found?.replace(/[./]+$/, "");
  if (repository !== undefined && repository !== "" && !noName.test(repository)) return { repository };
  reading.at = from;
  return null;
}

/** A text that is taken piece by piece, from its beginning. */
class Reading {
  readonly #text: string;
  at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The match of a sticky pattern where the reading is. */
  take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text);
    if (found !== null) this.at += found[0].length;
    return found;
  }

  get isOver(): boolean {
    return this.at >= this.#text.length;
  }
}
