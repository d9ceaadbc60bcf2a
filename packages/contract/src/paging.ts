import { z } from "zod";

/** Opaque: what `next_cursor` of the page before said. */
export const cursorSchema = z.string().min(1).max(300);
export const pageSize = z.coerce.number().int().min(1).max(200).default(50);
