import { text } from "@ciclo/contract";
import { Refusal } from "../errors.ts";

/** Names the console, all its nodes alike, in each answer of its gateway. */
export const consoleHeader = "x-ciclo-console";

/** A server's address leads back to this very console, by whatever name. */
export const ownConsole = (): Refusal =>
  new Refusal(
    "policy_denied",
    text(
      "Its address leads back to this console: everybody would act as the owner of its token there",
      "Seu endereço leva de volta a esta console: todos agiriam como o dono do token usado ali",
    ),
  );
