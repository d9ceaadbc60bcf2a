import { appendFileSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../../../.artifacts", import.meta.url));

/** Keeps a campaign's numbers in `.artifacts/campaigns.jsonl`, which docs/reliability.md is written from. */
export function report(campaign: string, numbers: Readonly<Record<string, unknown>>): void {
  mkdirSync(folder, { recursive: true });
  appendFileSync(
    `${folder}/campaigns.jsonl`,
    `${JSON.stringify({ at: new Date().toISOString(), campaign, ...numbers })}\n`,
  );
}
