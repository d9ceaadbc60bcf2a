import { type Text, text } from "@ciclo/contract";
import { Refusal } from "../errors.ts";

const retryAfterS = 1;

/** The database cannot do its work just now: nothing is wrong with what was asked. */
export const databaseUnavailable = (why: Text, cause: unknown): Refusal =>
  new Refusal(
    "database_unavailable",
    text(
      `The database does not answer: ${why.en}. Try again in a moment; what was not acknowledged may not have been done.`,
      `O banco de dados não responde: ${why["pt-BR"]}. Tente de novo em instantes; o que não foi confirmado pode não ter sido feito.`,
    ),
    { retryAfter: retryAfterS, cause },
  );

export const isDatabaseUnavailable = (error: unknown): error is Refusal =>
  error instanceof Refusal && error.code === "database_unavailable";
