import {
  type CheckReport,
  type CycleCost,
  type DeliveryPlan,
  type Documentation,
  type Locale,
  text,
} from "@ciclo/contract";
import { sha256 } from "../../lib/crypto.ts";
import { partCosts, renderCosts } from "./artifacts/costs.ts";
import { code, document, inline, paragraphs } from "./artifacts/markdown.ts";
import { renderCheck } from "./artifacts/render-delivery.ts";
import type { Turn } from "./stage.ts";

/** What a pull request says. */
export type Proposal = { title: string; body: string };

/** GitHub takes 65,536 characters. */
const mostCharacters = 60_000;

/**
 * The text of a cycle's pull request: what a model wrote for its readers, and behind that what the console found and counted.
 * `page` is where people reach the cycle. Pure.
 */
export function proposalOf(
  { cycle, artifacts, executions }: Pick<Turn, "cycle" | "artifacts" | "executions">,
  { cost, page }: { cost: CycleCost; page: string | null },
): Proposal {
  const documentation = artifacts.get("documentation")?.content as Documentation;
  const report = artifacts.get("check")?.content as CheckReport;
  const plan = artifacts.get("plan")?.content as DeliveryPlan;
  const { locale } = cycle;
  const { type, title, body } = documentation.pull_request;
  const whole = document(
    cycle.replay ? words.replay[locale] : null,
    paragraphs(body),
    deeper(renderCheck(report, locale)),
    deeper(renderCosts(cost, partCosts(executions, plan.work_breakdown.items, cost), locale)),
    [
      `${words.cycle[locale]}: ${page === null ? code(cycle.id) : `[${inline(cycle.title)}](${page})`}`,
      `${words.files[locale]}: ${code(`docs/cycles/${cycle.id}/`)}`,
    ].join("  \n"),
  );
  return { title: `${type}: ${title}`, body: withoutMentions(cut(whole, locale)) };
}

/** The manifest as a comment on the pull request, and the marker by which it is known there. Pure. */
export function manifestComment(
  manifest: Buffer,
  { id, locale }: { id: string; locale: Locale },
): { marker: string; body: string } {
  const hash = sha256(manifest);
  const marker = `<!-- ciclo manifest ${hash} -->`;
  const contents = manifest.toString("utf8").trim();
  // Base64 and JSON hold no run of backticks that could end the block.
  const block = [
    "<details><summary>manifest.sigstore.json</summary>",
    "",
    "```json",
    contents,
    "```",
    "",
    "</details>",
  ];
  const isShort = contents.length < mostCharacters && !contents.includes("```");
  const body = [
    marker,
    words.manifest[locale],
    `SHA-256: ${code(hash)}`,
    ["```sh", "ciclo cycle verify manifest.sigstore.json --key ciclo.pem", "```"].join("\n"),
    isShort ? block.join("\n") : `${words.long[locale]}: ${code(`ciclo cycle manifest ${id}`)}`,
  ].join("\n\n");
  return { marker, body };
}

const deeper = (markdown: string): string => markdown.replaceAll(/^(#{1,5}) /gm, "#$1 ");

/** Outside code, a comment behind each `@`: forges tell nobody of the name then, and show it as it was. */
const withoutMentions = (markdown: string): string =>
  markdown.replaceAll(/\\.|(`+)[^]*?\1|@(?=[\w-])/g, (part) => (part === "@" ? "@<!-- -->" : part));

const cut = (markdown: string, locale: Locale): string =>
  markdown.length <= mostCharacters
    ? markdown
    : `${markdown.slice(0, markdown.lastIndexOf("\n", mostCharacters))}\n\n${words.cut[locale]}\n`;

const words = {
  replay: text(
    "> **Replay**: prepared replies stand in for the models of this cycle.",
    "> **Replay**: respostas preparadas fazem o papel dos modelos deste ciclo.",
  ),
  cycle: text("Cycle", "Ciclo"),
  files: text("Specification, plan and costs in this branch", "Especificação, plano e custos nesta branch"),
  cut: text("… The console has the rest.", "… A console tem o restante."),
  manifest: text(
    "**Manifest of the cycle**, signed by the console: each requirement with its tests, commits, gates, approvals and costs. Save it, and check it without the console:",
    "**Manifesto do ciclo**, assinado pela console: cada requisito com seus testes, commits, gates, aprovações e custos. Salve-o e verifique-o sem a console:",
  ),
  long: text("It is too long for a comment", "É longo demais para um comentário"),
};
