import { z } from "zod";

/** Fields that several files of the config repository share. */

export const line = z.string().trim().min(1).max(500);
/** US dollars. */
export const usd = z.number().nonnegative().max(1e9);
export const glob = z.string().min(1).max(300);

/** A zone of the IANA database. */
export const timeZoneSchema = z
  .string()
  .max(100)
  .refine(isTimeZone, { error: "a time zone such as America/Sao_Paulo" });

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
