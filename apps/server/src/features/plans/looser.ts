import { text, type Text } from "@ciclo/contract";
import type { DraftRisk } from "./risks.ts";

/** A risk of something that held back before, and no longer does. */
export const looser = (title: Text, impact: DraftRisk["impact"] = "high"): DraftRisk => ({
  title,
  impact,
  mitigation: text(
    "From then on less is held back or checked. Have somebody who answers for it agree.",
    "A partir daí menos é contido ou verificado. Peça o acordo de quem responde por isso.",
  ),
});
