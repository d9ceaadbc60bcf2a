/** What a text may hold against whoever reads it. */
export type Suspicion = { kind: "hidden" | "instruction"; said: string };

/** Nothing is drawn for these, and models read them: format and control characters, and those that fonts leave out. */
const hidden = /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Co}]|[^\P{Cc}\t\n\r]/gu;
/** Emoji are made with some of them. */
const ofEmoji = /[\uFE0F\u200D]/gu;
/** Flags of parts of countries: so few letters hide no words. */
const flags = /\u{1F3F4}[\u{E0030}-\u{E0039}\u{E0061}-\u{E007A}]{3,6}\u{E007F}/gu;
const joined = /\p{Extended_Pictographic}(?:\uFE0F|\u200D\p{Extended_Pictographic})+/gu;

/** Words by which texts have models do what nobody asked for, in English and Portuguese. A hint for readers, no verdict. */
const instructions = [
  /\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:previous|prior|above|earlier|other|all|system)\b.{0,30}\b(?:instructions?|prompts?|rules?|messages?)\b/gis,
  /\b(?:do not|don't|never)\b.{0,20}\b(?:tell|mention|reveal|show|inform|say)\b.{0,30}\b(?:user|human|anyone|operator)?/gis,
  /\b(?:before|after|instead of|whenever|every time)\b.{0,40}\b(?:using|calling|call|use|invoke|answer(?:ing)?|respond(?:ing)?)\b.{0,60}\b(?:must|read|send|call|pass|include|first)\b/gis,
  /\b(?:you (?:must|should always|have to|are required to)|always (?:call|use|include|send|read)|it is (?:mandatory|essential|critical) (?:to|that))\b/gi,
  /\b(?:send|post|upload|forward|exfiltrate|copy|leak)\b.{0,60}\b(?:to|at)\b.{0,30}(?:https?:\/\/|\S+@\S+\.|\bserver\b|\baddress\b)/gis,
  /<\/?(?:important|system|instructions?|secret|hidden|admin)\b[^>]*>/gi,
  /\b(?:system prompt|developer message|hidden instructions?)\b/gi,
  /(?:~\/)?\.(?:ssh|aws|netrc|cursor\/mcp\.json)\b/gi,
  /\b(?:ignore|desconsidere|esqueça)\b.{0,40}\b(?:instruções|regras|mensagens|anteriores|acima)\b/gis,
  /\b(?:não|nunca)\b.{0,20}\b(?:conte|diga|mencione|revele|mostre|informe)\b.{0,40}/gis,
  /\b(?:você deve|sempre (?:chame|use|envie|inclua|leia)|é obrigatório)\b/gi,
  /\b(?:envie|mande|encaminhe|copie)\b.{0,60}\b(?:para|a)\b.{0,30}(?:https?:\/\/|\S+@\S+\.|servidor|endereço)/gis,
];

const maxFound = 20;
const codeOf = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

/** What stands out in a text, each once. Pure. */
export function suspicionsOf(text: string): Suspicion[] {
  const plain = text.replaceAll(flags, "").replaceAll(joined, (emoji) => emoji.replaceAll(ofEmoji, ""));
  const characters = new Set((plain.match(hidden) ?? []).map(codeOf));
  // Hidden characters between letters hide words, too.
  const visible = text.replaceAll(hidden, "");
  const phrases = new Set(
    instructions
      .flatMap((form) => visible.match(form) ?? [])
      .map((said) => said.replaceAll(/\s+/g, " ").slice(0, 200)),
  );
  return [
    ...[...characters].map((said) => ({ kind: "hidden" as const, said })),
    ...[...phrases].map((said) => ({ kind: "instruction" as const, said })),
  ].slice(0, maxFound);
}
