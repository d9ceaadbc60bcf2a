import { expect, it } from "vitest";
import { relative } from "../src/ui/relative.ts";

it.each([
  ["2026-11-29T14:39:00", "2026-12-01T00:00:00", "in 2 days", "depois de amanhã"],
  ["2026-11-29T14:39:00", "2026-11-30T15:00:00", "tomorrow", "amanhã"],
  ["2026-11-29T14:39:00", "2026-11-30T09:00:00", "in 18 hours", "em 18 horas"],
  ["2026-11-29T10:00:00", "2026-11-27T23:00:00", "2 days ago", "anteontem"],
  ["2026-11-29T10:00:00", "2026-11-29T09:58:30", "1 minute ago", "há 1 minuto"],
])("at %s, %s is %s", (now, at, en, ptBR) => {
  const said = (locale: string): string => relative(new Date(at), new Date(now), locale);
  expect([said("en"), said("pt-BR")]).toEqual([en, ptBR]);
});
