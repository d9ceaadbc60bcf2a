import { readFile } from "node:fs/promises";
import type { Locale } from "@ciclo/contract";
import { formatter } from "@lingui/format-po";

/** The catalogues, as the console shows them: English messages with what each language says. */
export async function catalogue(locale: Locale): Promise<Map<string, string>> {
  const source = await readFile(new URL(`../../src/locales/${locale}.po`, import.meta.url), "utf8");
  const parsed = await formatter().parse(source, { locale, sourceLocale: "en", filename: `${locale}.po` });
  return new Map(
    Object.values(parsed).map(({ message = "", translation = "" }) => [message, translation || message]),
  );
}

/** Says an English message of the console in a language. Throws for one that there is not. */
export async function speaker(locale: Locale): Promise<(message: string, values?: Values) => string> {
  const said = await catalogue(locale);
  return (message, values = {}) => {
    const text = said.get(message);
    if (text === undefined) throw new Error(`no message of the console is: ${message}`);
    return text.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? `{${name}}`);
  };
}

export type Values = Record<string, string>;
export type Say = Awaited<ReturnType<typeof speaker>>;
