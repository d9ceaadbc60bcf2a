import type { PauseDecision, RunPause } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useFigures } from "./format.ts";

export type Decision = PauseDecision["decision"];

/** Amounts of a pause as its limit counts them. */
export function useAmount({ unit }: RunPause): (value: number) => string {
  const { t } = useLingui();
  const figures = useFigures();
  return (value) => (unit === "usd" ? figures.usd(value) : t`${figures.count(Math.round(value))} tokens`);
}
