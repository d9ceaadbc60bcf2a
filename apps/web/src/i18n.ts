import { type Locale, locales, negotiateLocale } from "@ciclo/contract";
import { i18n, type Messages } from "@lingui/core";
import { recall, remember } from "./storage.ts";

const catalogues: Record<Locale, () => Promise<{ messages: Messages }>> = {
  en: () => import("./locales/en.po"),
  "pt-BR": () => import("./locales/pt-BR.po"),
};

/** The chosen language, or the first of the browser's that there is. */
export function preferredLocale(): Locale {
  const stored = recall("locale");
  return locales.find((locale) => locale === stored) ?? negotiateLocale(navigator.languages.join(","));
}

export async function showLocale(locale: Locale): Promise<void> {
  const { messages } = await catalogues[locale]();
  i18n.loadAndActivate({ locale, messages });
  document.documentElement.lang = locale;
}

export async function chooseLocale(locale: Locale): Promise<void> {
  remember("locale", locale);
  await showLocale(locale);
}

export const currentLocale = (): Locale => locales.find((locale) => locale === i18n.locale) ?? "en";
