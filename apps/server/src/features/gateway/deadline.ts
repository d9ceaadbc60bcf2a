/**
 * The longest that a call may take in all, in milliseconds, while the server keeps reporting progress. `callMs` is the longest
 * wait for its first report, and from one report to the next.
 */
export const longestOf = (callMs: number): number => callMs * 10;
