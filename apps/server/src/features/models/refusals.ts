import type { IncomingMessage } from "node:http";
import { text } from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import type { Provider } from "./providers.ts";

export const notOurs = text("Host or Origin is not this console's", "Host ou Origin não é desta console");
export const brokeHere = text(
  "Something broke here, not in your call; see the console's log",
  "Algo falhou aqui, não na sua chamada; veja o log da console",
);

export const notOffered = ({ method, url = "" }: IncomingMessage): Refusal => {
  const path = (url.split("?", 1)[0] ?? "").slice(0, 200);
  return new Refusal(
    "not_found",
    text(
      `${method} ${path} is not offered here: only what can be metered is passed on (chat completions, responses, embeddings, messages, generateContent, counting of tokens, lists of models)`,
      `${method} ${path} não é oferecido aqui: só passa o que pode ser medido (chat completions, responses, embeddings, messages, generateContent, contagem de tokens, listas de modelos)`,
    ),
  );
};

export const tooLarge = (maxBytes: number): Refusal =>
  new Refusal(
    "too_large",
    text(`The body is over ${maxBytes / 1_048_576} MB`, `O corpo passa de ${maxBytes / 1_048_576} MB`),
  );

export const unreadable = (problem: "json" | "model"): Refusal =>
  new Refusal(
    "invalid_payload",
    problem === "json"
      ? text("The body is no JSON object", "O corpo não é um objeto JSON")
      : text("The body names no model", "O corpo não nomeia um modelo"),
  );

export const unreached = ({ id }: Provider, error: Error | null): Refusal => {
  if (error instanceof Refusal) return error;
  const code = error !== null && "code" in error ? String(error.code) : "";
  return new Refusal(
    "upstream_failed",
    text(
      `The provider ${id} did not answer${code === "" ? "" : ` (${code})`}. Try again; if it stays so, ask an admin to look at policies/models.yaml`,
      `O provedor ${id} não respondeu${code === "" ? "" : ` (${code})`}. Tente de novo; se persistir, peça a um admin para ver policies/models.yaml`,
    ),
    { cause: error },
  );
};
