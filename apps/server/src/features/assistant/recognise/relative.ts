import { fold } from "../../../lib/fold.ts";

/** An amount that only means something beside the one that holds: "10 % more", "double", "20 less". */
export type Relative = {
  /** What becomes of the value that holds. */
  of(live: number): number;
  /** The message as if it named the value itself, so that its field is understood. */
  plain: string;
};

const down =
  /\b(reduz\w*|reduc\w*|diminu\w*|abaix\w*|baix\w*|cort\w*|reduce|decrease|lower|cut|shrink|less|menos)\b/;
const up =
  /\b(aument\w*|acresc\w*|suba|sobe|subir|elev\w*|increase|raise|bump|grow|more|mais|higher|extra)\b/;
const double =
  /\b(double|doubled|dobr[ae]\w*|duplica\w*|duplique\w*|twice|(?:o |em |para o )?dobro(?: d[oae])?)\b/;
const triple = /\b(triple|triplica\w*|triplique\w*|(?:o |para o )?triplo(?: d[oae])?)\b/;
const half = /\b(halve|half|(?:pela |para a |a |na )?metade(?: d[oae])?)\b/;
const percent =
  /(?:\b(?:by|em|de|another|mais)\s+)?(\d+(?:[.,]\d+)?)\s*(?:%|percent\b|por ?cento\b|pct\b)(?:\s+(?:more|less|a mais|a menos))?/;
const absolutePercent = /\b(?:to|para|at|in)\s+\d+(?:[.,]\d+)?\s*(?:%|percent|por ?cento)/;
const times = /\b(\d+(?:[.,]\d+)?)\s*(?:x|times|vezes)\b/;
const by =
  /\b(?:by|em|mais|another|more)\s+(?:us\$|r\$|\$)?\s*(\d+(?:[.,]\d+)?)(?!\s*(?:%|percent|por ?cento|x\b|times|vezes))/;

/** The relative amount of a message; null where it has none. Pure. */
export function relativeAmount(message: string): Relative | null {
  const folded = fold(message);
  for (const [form, factor] of [
    [double, 2],
    [triple, 3],
    [half, 0.5],
  ] as const) {
    if (form.test(folded)) return relative(folded, form, (live) => live * factor);
  }
  const direction = down.test(folded) ? -1 : up.test(folded) ? 1 : null;
  if (direction === null) return null;
  const share = numberIn(percent, folded);
  if (share !== null) {
    return absolutePercent.test(folded)
      ? null
      : relative(folded, percent, (live) => live * (1 + (direction * share) / 100));
  }
  const factor = numberIn(times, folded);
  if (factor !== null)
    return relative(folded, times, (live) => (direction > 0 ? live * factor : live / factor));
  const step = numberIn(by, folded);
  return step === null ? null : relative(folded, by, (live) => live + direction * step);
}

function relative(folded: string, form: RegExp, of: (live: number) => number): Relative {
  const rest = folded.replace(form, " ");
  // Verbs that say the amount itself leave a request without one.
  return {
    of: (live) => Number(of(live).toPrecision(12)),
    plain: `altere ${rest.replace(/[.!]\s*$/, "")} para 1`,
  };
}

function numberIn(form: RegExp, text: string): number | null {
  const found = form.exec(text)?.[1];
  return found === undefined ? null : Number(found.replace(",", "."));
}
