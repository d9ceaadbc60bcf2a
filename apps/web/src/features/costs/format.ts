import { useMemo } from "react";
import { useLingui } from "@lingui/react/macro";

/** How figures of costs are written in the language that is shown. */
export function useFigures() {
  const { i18n } = useLingui();
  const { locale } = i18n;
  return useMemo(() => figuresIn(locale), [locale]);
}

function figuresIn(locale: string) {
  const number = (value: number, options: Intl.NumberFormatOptions = {}): string =>
    new Intl.NumberFormat(locale, options).format(value);
  return {
    /** US dollars; what is under a cent keeps two digits, so that it is not shown as nothing. */
    usd: (value: number): string =>
      number(value, {
        style: "currency",
        currency: "USD",
        ...(value !== 0 && Math.abs(value) < 0.01 ? { maximumSignificantDigits: 2 } : {}),
      }),
    count: (value: number): string => number(value),
    /** Large counts in short: 1.2M. */
    short: (value: number): string => number(value, { notation: "compact", maximumFractionDigits: 1 }),
    share: (part: number, all: number): string =>
      all === 0 ? "—" : number(part / all, { style: "percent", maximumFractionDigits: 1 }),
    ms: (value: number | null): string =>
      value === null
        ? "—"
        : value < 1000
          ? number(Math.round(value), { style: "unit", unit: "millisecond" })
          : number(value / 1000, { style: "unit", unit: "second", maximumFractionDigits: 1 }),
  };
}
