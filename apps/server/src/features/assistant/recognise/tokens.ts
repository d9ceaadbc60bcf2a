import { fold } from "../../../lib/fold.ts";

/** A piece of a message: as typed, and folded for comparison. Quoted text is one piece. */
export type Token = { raw: string; word: string; quoted: boolean };

const piece =
  /"([^"]*)"|“([^”]*)”|`([^`]*)`|'([^']{2,})'(?=[\s,.;:!?]|$)|((?:https?|wss?|git|ssh):\/\/[^\s,;]+|git@[^\s,;]+|[^\s,;:!?()"“”`]+|[,;:!?()])/g;

/** Cuts a message into words, quoted texts, addresses and punctuation. */
export function tokenise(message: string): Token[] {
  return [...message.slice(0, 8000).matchAll(piece)].flatMap((match) => {
    const quoted = match[1] ?? match[2] ?? match[3] ?? match[4];
    if (quoted !== undefined) return [{ raw: quoted, word: fold(quoted), quoted: true }];
    return splitWord(match[5] ?? "");
  });
}

/** Takes final dots and English possessives off a word. */
function splitWord(raw: string): Token[] {
  const bare = raw.replace(/[.…]+$/, "").replace(/['’]s$/, "");
  const ended = bare.length < raw.replace(/['’]s$/, "").length;
  const words = bare === "" ? [] : [{ raw: bare, word: fold(bare), quoted: false }];
  return ended ? [...words, { raw: ".", word: ".", quoted: false }] : words;
}

export const isPunctuation = (token: Token): boolean => !token.quoted && /^[,;:.!?()]$/.test(token.raw);

/**
 * Optimal string alignment distance; lengths that differ by more than `limit` count as `limit + 1`.
 * Swapped neighbours, the commonest slip, count as one.
 */
export function typos(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let [older, previous]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(
        (previous[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (older[j - 2] ?? 0) + 1);
      row.push(best);
    }
    [older, previous] = [previous, row];
  }
  return previous[b.length] ?? limit + 1;
}

/** A name as `agents/<slug>` takes it. */
export const slugOf = (raw: string): string =>
  fold(raw)
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 64);
