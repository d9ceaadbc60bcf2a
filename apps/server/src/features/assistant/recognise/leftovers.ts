import { sensesOf } from "./lexicon.ts";
import { type Token, tokenise } from "./tokens.ts";

/**
 * What a request to take something away may say beside what is to go: who is asked, from where, and why. Any other word may be
 * a condition, a doubt or a change of mind, in more ways than can be listed: then nothing is planned.
 */
const plain = new Set(
  `a an the o os as um uma this that these those este esta esse essa aquele aquela our my nosso nossa meu minha
   of from in on at de do da dos das no na nos nas em to for para pra pro por by
   please pls plz favor pf thanks thank you obrigado obrigada valeu kindly gentileza
   can could would will you we i me us voce voces vc pode podem poderia consegue gostaria que queria quero precisamos preciso want need like let lets vamos
   now agora already ja just also too tambem then entao hoje today right away logo immediately imediatamente
   it them its him her ele ela eles elas dele dela all todo toda tudo
   completely entirely fully altogether totalmente completamente inteiramente definitivamente permanently permanentemente good vez
   called named chamado chamada old antigo antiga unused legacy
   and e longer mais ok hey hi hello oi ola bom boa dia tarde noite ciclo
   console plataforma platform config configuration configuracao registry registro catalog catalogo system sistema ar list lista everything
   mcp agents agentes servers servidores entry entrada registered registrado whole inteiro completo`
    .trim()
    .split(/\s+/),
);
/** Behind these stands why. */
const reasons =
  /\b(?:because|since|porque|pois|ja que|visto que|as (?:it|nobody|no one))\b[^.;!?]*|\b(?:ninguem|nobody|no one|it'?s? (?:is )?(?:no longer|not)|we no longer|nao (?:e|esta|precisamos|usamos) mais|(?:e|is|was|foi) (?:obsolet[eoa]|deprecated|duplicad[oa]|duplicate))\b[^.;!?]*?(?:us\w+|need\w*|precis\w+|necess\w+|obsolet\w+|deprecated|duplic\w+)[^.;!?,]*/g;
/** A name of a place follows. */
const places = new Set("repository repo repositorio project projeto team time equipe sprint".split(" "));

/** The words of a request to remove something that are neither its own nor about it. Pure. */
export function leftovers(folded: string, name: string): string[] {
  const tokens = tokenise(folded.replaceAll(reasons, " "));
  return tokens
    .filter((token, index) => !isUnderstood(token, tokens[index - 1], name))
    .map(({ word }) => word);
}

function isUnderstood(token: Token, before: Token | undefined, name: string): boolean {
  const { word } = token;
  if (!/[\p{L}\p{N}]/u.test(word) || word === name) return true;
  if (plain.has(word) || places.has(word) || places.has(before?.word ?? "")) return true;
  return sensesOf(word).some((sense) => ["remove", "edit", "agent", "server", "accept"].includes(sense));
}
