import type { Documentation } from "@ciclo/contract";
import { fold } from "../../../lib/fold.ts";
import { document, heading, paragraphs } from "../artifacts/markdown.ts";

type Decision = NonNullable<Documentation["decision_record"]>;

/** Where projects keep their decision records. */
const folders = ["docs/adr", "docs/decisions", "docs/architecture/decisions", "doc/adr", "adr"];

/** A decision as MADR has it, in the folder that the repository has for them, with the number behind the last. Pure. */
export function decisionRecord(
  { title, context, decision, consequences }: Decision,
  paths: readonly string[],
  at: string,
): { path: string; contents: string } {
  const folder = folders.find((name) => paths.some((path) => path.startsWith(`${name}/`))) ?? "docs/adr";
  const numbers = paths
    .filter((path) => path.startsWith(`${folder}/`))
    .flatMap((path) => /^(\d{3,4})-/.exec(path.slice(folder.length + 1))?.[1] ?? []);
  const last = Math.max(0, ...numbers.map(Number));
  const digits = numbers[0]?.length ?? 4;
  const name = fold(title)
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 60)
    .replaceAll(/^-|-$/g, "");
  return {
    path: `${folder}/${String(last + 1).padStart(digits, "0")}-${name === "" ? "decision" : name}.md`,
    contents: document(
      `---\nstatus: proposed\ndate: ${at.slice(0, 10)}\n---`,
      heading(1, title),
      heading(2, "Context and Problem Statement"),
      paragraphs(context),
      heading(2, "Decision Outcome"),
      paragraphs(decision),
      heading(3, "Consequences"),
      paragraphs(consequences),
    ),
  };
}
