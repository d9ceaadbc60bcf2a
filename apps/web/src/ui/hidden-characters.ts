/** Direction overrides, zero-width characters and other controls (Trojan Source, CVE-2021-42574). */
const hidden = /[\u200B-\u200F\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF]/gu;
/** Joins emoji, and letters of some scripts: that is what it is for. */
const joiner =
  /(?<=[\p{Extended_Pictographic}\uFE0F\p{Emoji_Modifier}])\u200D(?=\p{Extended_Pictographic})/gu;
const kept = "\uE000";

export const hasHidden = (text: string): boolean => text.replace(joiner, "").search(hidden) !== -1;

/** Writes hidden characters out, `‹U+202E›`, so that a reviewer sees what a machine will read. */
export const showHidden = (text: string): string =>
  text
    .replace(joiner, kept)
    .replace(
      hidden,
      (character) => `‹U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}›`,
    )
    .replaceAll(kept, "\u200D");
