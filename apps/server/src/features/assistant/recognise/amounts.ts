/** What amounts a text holds, and whether a field can take one as it stands. A folded text goes in; all of it is pure. */

const currency = String.raw`(?:us\$|r\$|\$|€|£)`;
const digits = String.raw`(?<![\w.,-])(?:${currency}\s*)?[+-]?\d[\d.,]*`;
const scale = "(?:k|mil|thousand|m|milhao|milhoes|million)";
const word =
  "(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|" +
  "thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|dozen|third|thirds|quarter|quarters|" +
  "dois|duas|tres|quatro|cinco|seis|sete|oito|nove|dez|onze|doze|treze|catorze|quatorze|quinze|dezesseis|dezessete|dezoito|dezenove|vinte|" +
  "trinta|quarenta|cinquenta|sessenta|setenta|oitenta|noventa|cem|cento|duzentos|duzentas|trezentos|trezentas|quatrocentos|quinhentos|" +
  "seiscentos|setecentos|oitocentos|novecentos|mil|milhao|milhoes|bilhao|duzia|terco|tercos)";
/** Numbers in words, of several words where they follow each other: "two hundred and fifty", "mil e duzentos". */
const words = String.raw`\b${word}(?:[\s-]+(?:e\s+|and\s+)?${word})*\b`;
const amount = new RegExp(String.raw`${digits}(?:\s*${scale}\b)?(?:\s*%)?|${words}`, "g");
/** Those that stand for one number by themselves. */
const simple = /^(?:two|three|four|five|ten|dois|duas|tres|quatro|cinco|dez|mil)$/;

/** "From 200 to 300", "to 300 from 200": where it comes from is not what it becomes. */
const origin = new RegExp(
  String.raw`\b(?:from|de)\s+${digits}(?:\s*${scale}\b)?(?=\s+(?:to|para|pra|ate)\b)|(?<=\b(?:to|para|pra)\s+${digits}\s+)(?:from|de)\s+${digits}`,
  "g",
);
/** A value that is said by another: "to 5 below current", "to 3 times the daily", "between", "a third". */
const byAnother = new RegExp(
  String.raw`\b(?:to|para|pra)\s+${digits}\s*(?:below|above|under|over|less|more|fewer|menos|mais|abaixo|acima|times|vezes|x)\b|` +
    String.raw`\b(?:between|entre|either|one of|third|thirds|quarter|quarters|dozen|terco|tercos|duzia)\b`,
);
/** "And a half", "half an hour": a part of a unit. "In half" and "by half" are said of the live value. */
export const partOfUnit =
  /\b(?:and a half|e mei[oa]|half an? (?:hour|minute|day)|meia hora|meio dia|quarter of)\b|\d\s*\w*\s+e\s+mei[oa]\b/;
/** A bound, and no value. "No more than 20" is one. */
const bound = new RegExp(
  String.raw`(?<!\b(?:no|not|nao) )\b(?:more|less|fewer|mais|menos) (?:than|do que|que|de)\s+${digits}|\b(?:under|below|above|over|around|about|roughly|almost|nearly|cerca de|uns|umas|quase|abaixo de|acima de|menor que|maior que)\s+(?:o |a |of )?${digits}`,
);
/** What may stand behind an amount that is said without a unit: the rest of the sentence, not a unit that is not known. */
const follows = new Set(
  `a an the o os as e and in on at to of for from by per de do da dos das em no na nos nas para pra por ao com with as como
   tokens token approvals approval approvers approver aprovacoes aprovacao aprovadores aprovador votes vote votos voto people pessoas
   probes probe sondas sonda sondagens calls call chamadas chamada requests errors erros times vezes x policy politica limit limite
   limits limites budget orcamento daily monthly diario diaria mensal month mes day dia max maximum maximo maxima timeout until ate
   please favor now agora more less fewer extra mais menos maior menor higher lower is are instead each every cada required needed
   obrigatorias necessarias and e que then depois tambem also latency latencia interval intervalo rate taxa expiry validade dollars
   dollar usd dolares dolar percent pct porcento`.split(/\s+/),
);
const numbered = new RegExp(
  String.raw`(?<![\w.,-])(?:${currency}\s*)?[+-]?\d[\d.,]*\s*(?:${scale}\b\s*)?(?:%\s*)?([a-z]{2,})?`,
  "g",
);

/** Other times than a day and a month, that no limit is kept by. */
const otherPeriod =
  /\b(?:hourly|weekly|yearly|annual|annually|quarterly|semana(?:l|is)|anua(?:l|is)|trimestra(?:l|is)|(?:per|an?|por|a cada)\s+(?:hour|week|year|quarter|hora|semana|ano|trimestre))\b/;
const daily = /\b(?:daily|diari[oa]s?|(?:per|a|por|ao) (?:day|dia))\b|\/ ?(?:day|dia)\b/;
const monthly = /\b(?:monthly|mensa(?:l|is)|(?:per|a|por|ao) (?:month|mes))\b|\/ ?(?:month|mes)\b/;

const units = {
  money:
    "usd|dollars?|dolares|dolar|eur|euros?|gbp|pounds?|libras?|brl|reais|real|cents?|centavos?|yen|bitcoins?",
  time: "ms|milliseconds?|milissegundos?|s|secs?|seconds?|segs?|segundos?|min|mins|minutes?|minutos?|h|hrs?|hours?|horas?|d|days?|dias?|w|weeks?|semanas?|months?|mes|meses|years?|anos?",
};
const followed = new RegExp(
  String.raw`\d\s*(?:(?:k|mil|thousand|million)\s+)?(${units.money}|${units.time}|€|£|%|percent|por ?cento)(?![\w$])`,
);
const isUnit = new RegExp(`^(?:${units.money}|${units.time}|${scale})$`);
/** Letters that are glued to digits and say no unit: `1e3`, `2mm`. */
const glued = /(?<![\w-])\d[\d.,]*([a-z]+)\d*/g;
const knownGlue = new RegExp(String.raw`^(?:k|x|mil|usd|${units.time})$`);

/** Of each kind of field, the units that its number may be said in. */
function fits(path: string, unit: string): boolean {
  if (path.endsWith("_usd")) return /^(?:usd|dollars?|dolar(?:es)?)$/.test(unit);
  if (path.endsWith("timeout_s"))
    return /^(?:s|secs?|seconds?|segs?|segundos?|min|mins|minutes?|minutos?)$/.test(unit);
  if (path.endsWith("_s")) return /^(?:s|secs?|seconds?|segs?|segundos?)$/.test(unit);
  if (path.endsWith("_ms")) return /^(?:ms|milliseconds?|milissegundos?)$/.test(unit);
  if (path.endsWith("expires_after")) return new RegExp(`^(?:${units.time})$`).test(unit);
  return unit === "%" || unit === "percent" || /^por ?cento$/.test(unit);
}

/** The amounts of a text, each as it stands there, but for those that it only comes from. */
export const amountsIn = (text: string): string[] =>
  [
    ...withoutOrigin(text)
      .replaceAll(/\bpor ?cento\b/g, "%")
      .matchAll(amount),
  ].map(([said]) => said.trim());

/** A text without what a value only comes from. */
export const withoutOrigin = (text: string): string => text.replaceAll(origin, " ");

/**
 * Why the one amount that a text gives a field cannot be taken as it stands: there are several, it is said by another,
 * in words that are not read, or in a unit or for a time that the field does not know. False where it can be.
 */
export function isUnclear(path: string, text: string): boolean {
  const said = amountsIn(text);
  const [only] = said;
  if (said.length > 1 || byAnother.test(text) || partOfUnit.test(text) || bound.test(text)) return true;
  if (only === undefined) return false;
  if (!/\d/.test(only) && !simple.test(only)) return true;
  if (path.startsWith("limits.") && (otherPeriod.test(text) || (daily.test(text) && monthly.test(text))))
    return true;
  if (/[€£]|r\$/.test(text) && path.endsWith("_usd")) return true;
  if ([...text.matchAll(glued)].some(([, letters]) => !knownGlue.test(letters ?? ""))) return true;
  const behind = [...withoutOrigin(text).matchAll(numbered)].flatMap(([, word]) => word ?? []);
  if (behind.some((word) => !follows.has(word) && !isUnit.test(word))) return true;
  const unit = followed.exec(text)?.[1];
  return unit !== undefined && unit !== "%" && !/^(?:percent|por ?cento)$/.test(unit) && !fits(path, unit);
}
