import { inputOf, type Tokens } from "./tokens.ts";

/**
 * Names by which a call can be known where nobody gives it an id: its session, or the minutes it was in, with what it used.
 * Two sources that tell of the same call come to the same name.
 */
export function namesByLikeness(of: {
  sessions: readonly (string | null)[];
  model: string | null;
  at: string;
  tokens: Tokens;
  /** Whether it is known by its time too: for agents that name no session to the model's provider. */
  byTime: boolean;
}): string[] {
  const { cacheRead, output, reasoning } = of.tokens;
  const used = [inputOf(of.tokens), cacheRead, output, reasoning].join(":");
  const sessions = [...new Set(of.sessions)].flatMap((session) =>
    session === null ? [] : [`like:${session}:${used}`],
  );
  if (!of.byTime || of.model === null) return sessions;
  // Sources stamp a call a moment apart: it may be in the next stretch for one of them.
  const stretch = Math.floor(Date.parse(of.at) / stretchMs);
  return [...sessions, ...[stretch, stretch + 1].map((part) => `like:${of.model}:${part}:${used}`)];
}

const stretchMs = 300_000;

/** Some servers give ids that come again after a few hundred calls. */
const shortestId = 16;

/** The name that an answer's id gives a call; none where that is missing or too short to be its alone. */
export const namesByAnswer = (id: string | null, more = ""): string[] =>
  id === null || id.length < shortestId ? [] : [`response:${id}${more}`];
