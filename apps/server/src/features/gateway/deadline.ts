/**
 * How long a call may take in all, in milliseconds, where the server goes on telling of its progress. `callMs` is what it
 * may take from one news to the next.
 */
export const longestOf = (callMs: number): number => callMs * 10;
