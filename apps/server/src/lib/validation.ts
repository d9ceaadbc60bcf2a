import { type Text, text } from "@ciclo/contract";
import { z } from "zod";
import type { LocalFieldError } from "../errors.ts";

const english = z.locales.en().localeError;
const portuguese = z.locales.pt().localeError;

/** Every problem of a value, each with its path and a message in both languages. */
export function fieldErrors(error: z.ZodError): LocalFieldError[] {
  return error.issues.flatMap((issue) => flatten(issue, []));
}

function flatten(issue: z.core.$ZodIssue, above: PropertyKey[]): LocalFieldError[] {
  const path = [...above, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: pathText([...path, key]),
      message: text("unknown field", "campo desconhecido"),
    }));
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    return closest(issue.errors).flatMap((inner) => flatten(inner, path));
  }
  return [{ path: pathText(path), message: messageOf(issue) }];
}

/** Of a union's alternatives, the one the value meant: the first with the fewest fields that it does not know. */
function closest(alternatives: z.core.$ZodIssue[][]): z.core.$ZodIssue[] {
  const distance = (issues: z.core.$ZodIssue[]): number =>
    issues.reduce(
      (sum, issue) =>
        sum + (issue.code === "unrecognized_keys" && issue.path.length === 0 ? issue.keys.length : 0),
      0,
    );
  return alternatives.toSorted((a, b) => distance(a) - distance(b))[0] ?? [];
}

const pathText = (path: PropertyKey[]): string => (path.length === 0 ? "body" : path.map(String).join("."));

function messageOf(issue: z.core.$ZodIssue): Text {
  if (issue.code === "invalid_type" && issue.input === undefined && issue.message.includes("undefined")) {
    return text("is required", "é obrigatório");
  }
  const own = issue.message;
  const raw = issue as z.core.$ZodRawIssue;
  const standard = messageIn(english, raw);
  if (own !== standard) return text(own, ownMessages[own] ?? own);
  return text(own, messageIn(portuguese, raw) ?? own);
}

/** The contract's own messages, which it writes in English. */
const ownMessages: Record<string, string> = {
  "lower-case letters, digits and inner hyphens, such as billing-agent":
    "letras minúsculas, dígitos e hifens internos, como agente-fiscal",
  "a reference of the form secret:<provider>/<NAME>, never the value itself":
    "uma referência da forma secret:<provedor>/<NOME>, nunca o próprio valor",
  "at most 65536 bytes of text, without NUL": "no máximo 65536 bytes de texto, sem NUL",
  "a reference stands once, at the end of a value, and has the form secret:<provider>/<NAME>":
    "uma referência aparece uma vez, no fim do valor, e tem a forma secret:<provedor>/<NOME>",
  "a variable's name, or its beginning and *": "o nome de uma variável, ou seu começo e *",
  "an absolute path": "um caminho absoluto",
  "a rule names tools, resources, prompts, models or methods":
    "uma regra nomeia tools, resources, prompts, models ou methods",
  "stands for a value, and is none: give the value itself":
    "é um marcador, e não um valor: informe o próprio valor",
  "refers to a key, and is none: give the value itself":
    "refere-se a uma chave, e não é uma: informe o próprio valor",
  "one line": "uma linha",
  "one line, without angle brackets": "uma linha, sem sinais de menor ou maior",
  "one line with a letter or digit, without angle brackets":
    "uma linha com letra ou dígito, sem sinais de menor ou maior",
  "a time zone such as America/Sao_Paulo": "um fuso horário como America/Sao_Paulo",
  "an id stands twice": "um id aparece duas vezes",
  "a whole number with m, h or d, such as 72h": "um número inteiro com m, h ou d, como 72h",
  "a version such as 1.0.0, in quotes": "uma versão como 1.0.0, entre aspas",
};

function messageIn(locale: z.core.$ZodErrorMap, issue: z.core.$ZodRawIssue): string | undefined {
  const said = locale(issue);
  return typeof said === "string" ? said : said?.message;
}
