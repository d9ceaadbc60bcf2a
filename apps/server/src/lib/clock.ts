/** Now, as the rest of the program may ask for it. Tests hand in one that they move. */
export type Clock = () => Date;

export const systemClock: Clock = () => new Date();

/** ISO 8601 UTC text, as every stored time is written. */
export const stamp = (date: Date): string => date.toISOString();

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of `30m`, `72h`, `7d`. Throws RangeError for anything else. */
export function durationMs(duration: string): number {
  const match = /^(\d+)([mhd])$/.exec(duration);
  if (match === null) throw new RangeError(`not a duration: ${duration}`);
  return Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
}
