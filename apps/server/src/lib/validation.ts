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

/** Of a union's alternatives, the one the value meant: fewest unknown and missing fields. */
function closest(alternatives: z.core.$ZodIssue[][]): z.core.$ZodIssue[] {
  const distance = (issues: z.core.$ZodIssue[]): number =>
    issues.reduce((sum, issue) => sum + (issue.code === "unrecognized_keys" ? 2 * issue.keys.length : 1), 0);
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
  // A schema's own message is kept; it is written in English.
  if (own !== standard) return text(own, own);
  return text(own, messageIn(portuguese, raw) ?? own);
}

function messageIn(locale: z.core.$ZodErrorMap, issue: z.core.$ZodRawIssue): string | undefined {
  const said = locale(issue);
  return typeof said === "string" ? said : said?.message;
}
