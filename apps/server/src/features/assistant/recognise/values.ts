import { fold } from "../../../lib/fold.ts";

/** Numbers, money, times and lists as people write them. */

const multipliers: Record<string, number> = {
  k: 1e3,
  mil: 1e3,
  thousand: 1e3,
  m: 1e6,
  milhao: 1e6,
  milhoes: 1e6,
  million: 1e6,
};
const numberWords: Record<string, number> = {
  one: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  ten: 10,
  um: 1,
  uma: 1,
  dois: 2,
  duas: 2,
  tres: 3,
  quatro: 4,
  cinco: 5,
  dez: 10,
  mil: 1000,
};

/**
 * Reads `1000`, `1.000`, `1,000.50`, `1.000,50`, `US$ 2 mil`, `1k`, `20%`.
 * A group of three digits behind a separator is thousands; anything else is a fraction.
 */
export function readNumber(text: string): number | null {
  const folded = fold(text).trim();
  const word = numberWords[folded];
  if (word !== undefined) return word;
  const match = /(-?\d[\d.,]*)\s*(k|mil|thousand|m|milhao|milhoes|million)?\b\s*(%)?/.exec(
    folded.replace(/(us)?\$|r\$|usd/g, " "),
  );
  if (match === null) return null;
  const value = parseDigits((match[1] ?? "").replace(/[.,]$/, "")) * (multipliers[match[2] ?? ""] ?? 1);
  if (!Number.isFinite(value)) return null;
  return match[3] === "%" || /%/.test(folded) ? value / 100 : value;
}

function parseDigits(digits: string): number {
  const last = Math.max(digits.lastIndexOf("."), digits.lastIndexOf(","));
  if (last < 0) return Number(digits);
  const both = digits.includes(".") && digits.includes(",");
  const thousands = !both && /^\d{1,3}([.,]\d{3})+$/.test(digits);
  if (thousands) return Number(digits.replace(/[.,]/g, ""));
  return Number(`${digits.slice(0, last).replace(/[.,]/g, "")}.${digits.slice(last + 1)}`);
}

/** `48h`, `48 hours`, `3 dias` → `48h`, `3d`. */
export function readDuration(text: string): string | null {
  const match = /(\d{1,5})\s*(h|d|m|hours?|horas?|days?|dias?|min|minutes?|minutos?)\b/.exec(fold(text));
  return match === null ? null : `${match[1]}${(match[2] ?? "").charAt(0)}`;
}

/** The values of a message in which digits stand, last first: in "from 200 to 500" the last is meant. */
export function lastNumber(text: string): number | null {
  const pattern = /(?:(?:us)?\$\s*)?\d[\d.,]*\s*(?:k\b|mil\b|thousand\b|milhao\b|milhoes\b|million\b)?\s*%?/g;
  const found = [...fold(text).matchAll(pattern)].map((match) => readNumber(match[0]));
  return found.findLast((value) => value !== null) ?? null;
}
