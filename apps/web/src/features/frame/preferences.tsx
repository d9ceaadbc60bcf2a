import { type Locale, locales } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { Languages, Moon, Sun, SunMoon } from "lucide-react";
import { useQueryClient } from "@tanstack/react-query";
import { chooseLocale } from "../../i18n.ts";
import { chooseTheme, themes, useTheme } from "../../theme.ts";
import { IconButton } from "../../ui/button.tsx";
import { Menu } from "../../ui/menu.tsx";

/** Languages by their own names, so that whoever needs one can read it. */
const names: Record<Locale, string> = { en: "English", "pt-BR": "Português (Brasil)" };
const themeIcons = { system: SunMoon, light: Sun, dark: Moon };

export function LanguageAndTheme() {
  const { t, i18n } = useLingui();
  const theme = useTheme();
  const client = useQueryClient();
  // Much of what the server says is in the language it was asked in.
  const speak = async (locale: Locale): Promise<void> => {
    await chooseLocale(locale);
    await client.invalidateQueries();
  };
  const Icon = themeIcons[theme];
  return (
    <>
      <Menu
        trigger={
          <IconButton label={t`Language`}>
            <Languages size={18} aria-hidden />
          </IconButton>
        }
        entries={[
          {
            kind: "choice",
            label: t`Language`,
            value: i18n.locale,
            options: locales.map((value) => ({ value, label: names[value] })),
            onChange: (value) => void speak(locales.find((locale) => locale === value) ?? "en"),
          },
        ]}
      />
      <Menu
        trigger={
          <IconButton label={t`Theme`}>
            <Icon size={18} aria-hidden />
          </IconButton>
        }
        entries={[
          {
            kind: "choice",
            label: t`Theme`,
            value: theme,
            options: [
              { value: "system", label: t`Like the system` },
              { value: "light", label: t`Light` },
              { value: "dark", label: t`Dark` },
            ],
            onChange: (value) => chooseTheme(themes.find((each) => each === value) ?? "system"),
          },
        ]}
      />
    </>
  );
}
