import type { IncomingMessage } from "node:http";
import { text } from "@ciclo/contract";
import { notFound, Refusal } from "../../errors.ts";
import type { Provider } from "./providers.ts";

export const notOurs = text("Host or Origin is not this console's", "Host ou Origin não é desta console");
export const brokeHere = text(
  "Something broke here, not in your call; see the console's log",
  "Algo falhou aqui, não na sua chamada; veja o log da console",
);

export const notOffered = ({ method, url = "" }: Pick<IncomingMessage, "method" | "url">): Refusal => {
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
      : text(
          "The body names no model. A model's name has up to 300 letters, digits and signs, and no blanks",
          "O corpo não nomeia um modelo. O nome de um modelo tem até 300 letras, dígitos e sinais, sem espaços",
        ),
  );

export const ambiguous = (name: string): Refusal =>
  new Refusal(
    "invalid_payload",
    text(
      `The member ${name.slice(0, 100)} is there twice, or differs from one that providers know by its case alone. Write it once, as the API's reference does`,
      `O membro ${name.slice(0, 100)} aparece duas vezes, ou só difere de um que os provedores conhecem por maiúsculas. Escreva-o uma vez, como na referência da API`,
    ),
  );

const reasons = {
  models: text(
    "each model is let in by policy on its own: name one in model",
    "cada modelo é liberado por política: nomeie um em model",
  ),
  fallbacks: text(
    "each model is let in by policy on its own: name one in model",
    "cada modelo é liberado por política: nomeie um em model",
  ),
  conversation: text(
    "whose conversation it is cannot be told here: send the messages, or continue an answer of yours by previous_response_id",
    "não se sabe aqui de quem é a conversa: envie as mensagens, ou continue uma resposta sua com previous_response_id",
  ),
};

/** Something that a provider takes, and that the console does not pass on. */
export const notPassed = (name: keyof typeof reasons): Refusal =>
  new Refusal(
    "invalid_payload",
    text(
      `The member ${name} is not passed on: ${reasons[name].en}`,
      `O membro ${name} não é passado adiante: ${reasons[name]["pt-BR"]}`,
    ),
  );

/** An answer that the provider keeps, and that the caller did not ask for. */
export const noAnswer = (id: string): Refusal =>
  notFound(
    `There is no answer ${id.slice(0, 200)} of yours here`,
    `Não há resposta ${id.slice(0, 200)} sua aqui`,
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

export const redirected = ({ id }: Provider, status: number): Refusal =>
  new Refusal(
    "upstream_failed",
    text(
      `The provider ${id} answered with a redirect (${status}), which is not followed: the key would go where nobody approved. Put the final address into policies/models.yaml`,
      `O provedor ${id} respondeu com um redirecionamento (${status}), que não é seguido: a chave iria para onde ninguém aprovou. Ponha o endereço final em policies/models.yaml`,
    ),
  );

export const packed = ({ id }: Provider, encoding: string): Refusal =>
  new Refusal(
    "upstream_failed",
    text(
      `The provider ${id} packed its answer (${encoding.slice(0, 50)}) in a way that cannot be read here, so it cannot be metered`,
      `O provedor ${id} compactou a resposta (${encoding.slice(0, 50)}) de um modo que não se lê aqui, então ela não pode ser medida`,
    ),
  );
