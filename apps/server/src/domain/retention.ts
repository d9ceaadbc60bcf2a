/**
 * Deletes at most `limit` things that have been of no use since before a time (ISO 8601). Returns how many; fewer than
 * `limit` when there are no more.
 */
export type Purge = (before: string, limit: number) => Promise<number>;
