import { z } from "zod";

/** A sentence in both languages, as JSON columns hold it. */
export const textSchema = z.object({ en: z.string(), "pt-BR": z.string() });

/**
 * The value of a JSON column, by its schema. Throws where the column holds anything else: a row that somebody else
 * wrote, or a version of ours that the schema has forgotten, is a fault to be seen and not to be guessed at.
 */
export const fromJson = <S extends z.ZodType>(schema: S, json: string | null): z.output<S> =>
  schema.parse(json === null ? null : JSON.parse(json));
