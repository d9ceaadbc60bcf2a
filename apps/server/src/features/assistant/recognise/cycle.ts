import { fold } from "../../../lib/fold.ts";
import type { CycleWish } from "../../../domain/cycle-wish.ts";
import { opening } from "./recognise.ts";

const begins =
  /^(?:(?:for|from|para|pra|do|da|de|no|na|in|on)\b[^.!?\n]{1,200},\s*)?(?:start|begin|open|launch|run|kick off|inicie|inicia|iniciar|comece|comeca|comecar|abra|abre|abrir|rode|roda|rodar|dispare|disparar|crie|cria|criar|create)\s+(?:(?:me|a|an|one|the|um|o|new|novo|another|outro|mais|delivery)\s+)*(?:cycle|ciclo)\b/;

const issueAddress = /https?:\/\/[^\s"'<>]+?\/(?:-\/)?(?:issues|work_items)\/\d+/;
const issueNumber =
  /(?:\bissues?|\bchamado|\bticket)\s*(?:n[º°o]?\.?\s*|number\s+|n[uú]mero\s+)?#?(\d{1,9})\b|(?:^|\s)#(\d{1,9})\b/i;
const address =
  /(?:https?:\/\/|ssh:\/\/|file:\/\/\/|[\w.-]+@[\w.-]+:)[^\s"',;<>]+|(?:^|\s)(~?\/[^\s"',;:<>]+)/;
const named =
  /\b(?:reposit[oó]rio|repository|repo)\s+(?:chamado\s+|called\s+|named\s+)?["“`]?([\w][\w./-]*[\w])/i;
const namedBefore = /["“`]?\b([\w][\w./-]*[\w])["”`]?\s+(?:repository|repo)\b/i;
const ofIssue =
  /(?:issues?|chamado|ticket)\s*#?\d+\s+(?:do|da|de|no|na|of|in|from|on)\s+(?:the\s+|o\s+)?["“`]?([\w][\w./-]*[\w])/i;
const onBranch = /\b(?:branch|ramo)\s+["“`]?([\w][\w./-]*)/i;
const noName = /^(?:the|this|that|a|o|este|esse|reposit[oó]rio|repository|repo|branch)$/i;

/** Takes a message for the wish to start a delivery cycle; null for any other. Rules only. Pure. */
export function cycleAsked(message: string): CycleWish | null {
  const opened = opening(message);
  if (opened === null || opened.isLimited || !begins.test(opened.rest)) return null;
  const url = issueAddress.exec(message)?.[0];
  const beside = url === undefined ? message : message.replace(url, " ");
  const number = issueNumber.exec(beside);
  const words = /[:\n]\s*([^]{10,})$/.exec(beside.replace(address, " "))?.[1]?.trim();
  const said = Number(number?.[1] ?? number?.[2]);
  return {
    issue:
      url !== undefined
        ? { address: url }
        : !Number.isNaN(said)
          ? { number: said }
          : words === undefined
            ? null
            : { words: words.replace(/^["“`](.*)["”`]$/s, "$1") },
    repository: repositoryIn(beside, url),
    branch: onBranch.exec(beside)?.[1] ?? null,
  };
}

function repositoryIn(message: string, issue: string | undefined): string | null {
  const written = address.exec(message);
  if (written !== null) return (written[1] ?? written[0]).trim().replace(/[.)]+$/, "");
  for (const pattern of [named, namedBefore, ofIssue]) {
    const name = pattern.exec(message)?.[1];
    if (name !== undefined && !noName.test(fold(name))) return name;
  }
  return issue === undefined ? null : issue.replace(/\/(?:-\/)?(?:issues|work_items)\/\d+$/, "");
}
