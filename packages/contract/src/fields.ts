import { z } from "zod";

/** Fields that several files of the config repository share. */

export const line = z.string().trim().min(1).max(500);
/** US dollars. */
export const usd = z.number().nonnegative().max(1e9);
export const glob = z.string().min(1).max(300);
