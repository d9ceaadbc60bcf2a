/** The languages of the console. English is what a caller gets who asks for neither. */
export const locales = ["en", "pt-BR"] as const;
export type Locale = (typeof locales)[number];

/** One sentence in every language. A missing translation is a type error. */
export type Text = Readonly<Record<Locale, string>>;

/** Writes a sentence in both languages at the place that says it. */
export const text = (en: string, ptBR: string): Text => ({ en, "pt-BR": ptBR });

/**
 * Chooses the language from an `Accept-Language` header (RFC 9110 §12.5.4).
 * Any Portuguese is answered in Brazilian Portuguese; everything else in English.
 */
export function negotiateLocale(header: string | null | undefined): Locale {
  const ranges = (header ?? "").slice(0, 200).split(",").map(parseRange);
  const best = ranges
    .filter((range) => range.weight > 0 && /^(pt|en|\*)/.test(range.tag))
    .toSorted((a, b) => b.weight - a.weight)[0];
  return best?.tag.startsWith("pt") ? "pt-BR" : "en";
}

function parseRange(range: string): { tag: string; weight: number } {
  const [tag = "", quality] = range.trim().toLowerCase().split(";q=");
  const weight = quality === undefined ? 1 : Number(quality);
  return { tag, weight: Number.isFinite(weight) ? weight : 0 };
}
