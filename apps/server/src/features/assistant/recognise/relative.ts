import { readNumber } from "./values.ts";

/** An amount that only means something beside the one that is live: live × `times` + `plus`. */
export type Relative = { times: number; plus: number };
export type Direction = "up" | "down";

const number = String.raw`(?:us\$|r\$|\$)?\s*(\d[\d.,]*\d|\d)(?:\s*(?:k|mil|thousand)\b)?`;
const numberWord = "(?:one|two|three|four|five|ten|um|uma|dois|duas|tres|quatro|cinco|dez|twenty|vinte)";
const share = String.raw`\s*(?:%|percent\b|por ?cento\b|pct\b)`;

/** "No more than 20" is a value, and no direction. */
const comparison =
  /\b(?:no |nao )?(?:more|less|mais|menos|above|below|acima|abaixo) (?:than|do que|que|de)\b/g;
const up =
  /\b(?:aument|acrescent|elev|increas|rais|bump)\w*|\b(?:suba|sobe|subir|grow|higher|maior|maiores|acima|above|more|mais|extra|another|up)\b|(?:^|\s)\+\s?\d/;
const down =
  /\b(?:reduz|reduc|diminu|abaix|baix|decreas|lower)\w*|\b(?:corte|cortar|cut|shrink|less|fewer|menos|menor|menores|below|minus)\b|(?:^|\s)-\s?\d/;

const factors: [RegExp, number][] = [
  [/\b(?:double|doubled|twice|dobr\w*|duplica\w*|duplique\w*)\b/, 2],
  [/\b(?:triple|tripled|triplo|triplica\w*|triplique\w*)\b/, 3],
  [/\b(?:quadruple|quadrupled|quadruplica\w*|quadruplique\w*)\b/, 4],
];
const half = /\b(?:halve|halved|half|metade)\b/;
/** "Raise by double" may be twice or three times as much. */
const unsure = /\bby (?:a )?(?:double|twice|triple)\b|\b(?:to|para|pra)\s+(?:us\$|r\$|\$)?\s*-\s?\d/;
const toHalf = /\b(?:to|para|pra)\s+(?:a |o )?(?:half|metade)\b/;
/** What stands before a value itself. */
const beforeValue =
  /\b(?:to|para|pra|at|ate|until|of|de|value|valor)\s+(?:us\$|r\$|\$)?\s*\d|[=:]\s*(?:us\$|r\$|\$)?\s*\d/;
const percents = new RegExp(`(?<!\\b(?:to|para|pra|at|of|de)\\s*)(?<![\\d.,])${number}${share}`, "g");
const valuePercent = new RegExp(`\\b(?:to|para|pra|at|of|de)\\s+${number}${share}`);
const anyPercent = /%|\bpercent\b|\bpor ?cento\b|\bpct\b/;
const multiples = new RegExp(`${number}\\s*x(?![a-z])|${number}\\s*(?:times|vezes)\\b`, "g");
const steps = new RegExp(
  `(?:\\b(?:by|em|mais|menos|more|less|another|extra)|(?:^|\\s)[+-])\\s*${number}(?![\\d.,]*(?:${share}|\\s*(?:x\\b|times|vezes)))|` +
    `${number}(?:\\s*(?:usd|dolares|dollars|reais))?\\s+(?:more|less|fewer|extra|a mais|a menos)\\b`,
  "g",
);
const wordStep = new RegExp(
  `\\b(?:by|em|mais|menos|more|less|another|extra)\\s+${numberWord}\\b|\\b${numberWord}\\s+(?:more|less|fewer|extra|a mais|a menos)\\b`,
);

/** Which way a text says that an amount goes; null where it says none, or both. Pure. */
export function directionIn(folded: string): Direction | null {
  const text = folded.replaceAll(comparison, " ");
  return up.test(text) === down.test(text) ? null : up.test(text) ? "up" : "down";
}

/**
 * The relative amount of a folded clause. Null where it names a value, or no amount at all; `unclear` where it could mean
 * several, so that people are asked. `isShare`: "to 5 %" is a value of the field. Pure.
 */
export function relativeIn(
  clause: string,
  isShare: boolean,
  earlier: Direction | null = null,
): Relative | "unclear" | null {
  const text = clause.replaceAll(comparison, " ");
  if (up.test(text) && down.test(text)) return "unclear";
  if (unsure.test(text) || wordStep.test(text)) return "unclear";
  const own = directionIn(clause);
  const direction = own ?? earlier;
  if (direction === "up" && toHalf.test(text)) return "unclear";
  const marks = [
    ...factors
      .filter(([form]) => form.test(text))
      .map(([form, factor]) => mark(form, text, scaled(factor, direction))),
    ...(half.test(text) ? [mark(half, text, direction === "up" ? times(1.5) : times(0.5))] : []),
    ...found(percents, text, (value) => percent(value, isShare, direction)),
    ...found(multiples, text, (value) => scaled(value, direction)),
    ...found(steps, text, (value, said) => step(value, said, direction)),
  ];
  const [only] = marks;
  if (only === undefined) {
    // "Increase the limit 20" may be by 20, or to 20.
    if (own !== null && /(?<![\w-])\d/.test(text) && !beforeValue.test(text)) return "unclear";
    const isValue = isShare && valuePercent.test(text);
    return anyPercent.test(text) && !isValue && !isShare ? "unclear" : null;
  }
  if (only.amount === null && marks.length === 1) return null;
  // A second number, such as "from 40 by 10 %", may be meant instead.
  const rest = text.replace(only.said, " ");
  return marks.length > 1 || only.amount === null || /(?<![\w-])\d/.test(rest) ? "unclear" : only.amount;
}

type Mark = { said: string; amount: Relative | "unclear" | null };

const times = (factor: number): Relative => ({ times: factor, plus: 0 });
const mark = (form: RegExp, text: string, amount: Mark["amount"]): Mark => ({
  said: form.exec(text)?.[0] ?? "",
  amount,
});

const found = (
  form: RegExp,
  text: string,
  amountOf: (value: number, said: string) => Mark["amount"],
): Mark[] =>
  [...text.matchAll(form)].map(([said]) => ({
    said,
    amount: amountOf(readNumber(said.replace(/[%x]/g, " ")) ?? 0, said),
  }));

const scaled = (factor: number, direction: Direction | null): Relative =>
  times(direction === "down" ? 1 / factor : factor);

/** Of a share, "by 2 %" may be of it or of the whole. */
function percent(value: number, isShare: boolean, direction: Direction | null): Mark["amount"] {
  if (isShare) return direction === null ? null : "unclear";
  if (direction === null) return "unclear";
  return times(direction === "up" ? 1 + value / 100 : 1 - value / 100);
}

function step(value: number, said: string, direction: Direction | null): Mark["amount"] {
  const own = directionIn(said) ?? direction;
  return own === null ? "unclear" : { times: 1, plus: own === "up" ? Math.abs(value) : -Math.abs(value) };
}

const isRelative = (value: unknown): value is Relative =>
  typeof value === "object" && value !== null && "times" in value && "plus" in value;

/** Changes with every relative amount computed from the value that is live at its place; null where none is there. Pure. */
export function computed(changes: unknown, live: unknown, key = ""): unknown {
  if (isRelative(changes)) return typeof live === "number" ? amountOf(changes, live, key) : null;
  if (typeof changes !== "object" || changes === null || Array.isArray(changes)) return changes;
  const members = Object.entries(changes).map(([name, value]) => [
    name,
    // A null of the change itself removes its member.
    value === null
      ? undefined
      : computed(value, (live as Record<string, unknown> | null | undefined)?.[name], name),
  ]);
  if (members.some(([, value]) => value === null)) return null;
  return Object.fromEntries(members.map(([name, value]) => [name, value === undefined ? null : value]));
}

function amountOf({ times: factor, plus }: Relative, live: number, key: string): number {
  const next = Number((live * factor + plus).toPrecision(12));
  // Of money and shares there are parts; of votes, probes and tokens there are none.
  return Number.isInteger(live) && !key.endsWith("_usd") ? Math.round(next) : next;
}
