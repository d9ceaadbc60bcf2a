import { intents, type Locale, type Reference, text } from "@ciclo/contract";
import { fold } from "../../lib/fold.ts";
import type { SearchIndex } from "../../lib/search-index.ts";
import type { SearchConfig, Snapshot } from "../../domain/snapshot.ts";
import { found, intentTexts, nothingFound } from "./texts.ts";

export type Answer = { reply: string; references: Reference[] };

export type AnswerSources = { documentation: SearchIndex; search: SearchConfig; snapshot: Snapshot };

/** Answers a question from the live configuration and the documentation, and says from where. */
export function answerQuestion(message: string, sources: AnswerSources, locale: Locale): Answer {
  const folded = fold(message);
  return (
    listing(folded, sources.snapshot, locale) ??
    description(folded, sources.snapshot, locale) ??
    searched(message, sources, locale)
  );
}

/** "which agents are there?", "quais políticas temos?" */
function listing(folded: string, { agents, policies, registry }: Snapshot, locale: Locale): Answer | null {
  if (
    !/\b(which|what|list|show|how many|qua(l|is)|lista|liste|mostre|quantos|quantas|existem|ha|temos|are there)\b/.test(
      folded,
    )
  ) {
    return null;
  }
  const wants = (pattern: RegExp): boolean =>
    pattern.test(folded) && !/\b(how (do|to|can)|como)\b/.test(folded);
  if (wants(/\b(agents|agentes)\b/)) {
    const rows = [...agents.values()].map((agent) => row(agent.name, agent.title, agent.capabilities));
    return list(
      text("Agents", "Agentes")[locale],
      rows,
      [...agents.keys()].map((name) => `agents/${name}/agent.yaml`),
    );
  }
  if (wants(/\b(policies|politicas)\b/)) {
    const rows = [...policies.values()].map((policy) => row(policy.id, policy.title, [policy.kind]));
    return list(
      text("Policies", "Políticas")[locale],
      rows,
      [...policies.keys()].map((id) => `policies/${id}.yaml`),
    );
  }
  if (wants(/\b(servers|servidores)\b/)) {
    const rows = registry.servers.map((server) => row(server.id, server.title, [server.transport]));
    return list(text("Servers", "Servidores")[locale], rows, ["mcp-registry.yaml"]);
  }
  return null;
}

const row = (name: string, title: string, extra: readonly string[] = []): string =>
  `- ${name}: ${title}${extra.length === 0 ? "" : ` (${extra.join(", ")})`}`;

function list(heading: string, rows: string[], paths: string[]): Answer {
  const reply = `${heading}: ${rows.length}\n${rows.join("\n")}`;
  const references = paths.slice(0, 20).map((path, index) => ({
    path,
    title: path,
    snippet: rows[index] ?? heading,
    score: 1,
  }));
  return { reply, references };
}

/** A question that names an agent or policy is answered with its file. */
function description(folded: string, snapshot: Snapshot, locale: Locale): Answer | null {
  const words = new Set(folded.split(/[^a-z0-9-]+/));
  const agent = [...snapshot.agents.keys()].find((name) => words.has(name) && name.length > 2);
  const policy = [...snapshot.policies.keys()].find((id) => words.has(id) && !ordinary.has(id));
  const path =
    policy !== undefined
      ? `policies/${policy}.yaml`
      : agent === undefined
        ? null
        : `agents/${agent}/agent.yaml`;
  const source = path === null ? undefined : snapshot.files.get(path)?.source;
  if (path === null || source === undefined) return null;
  const title = snapshot.policies.get(policy ?? "")?.title ?? snapshot.agents.get(agent ?? "")?.title ?? path;
  const snippet = source.slice(0, 1500);
  const intro = text(`${title}, as it is live now (${path}):`, `${title}, como está ativo agora (${path}):`)[
    locale
  ];
  return { reply: `${intro}\n\n${snippet}`, references: [{ path, title, snippet, score: 1 }] };
}

/** Ids that are ordinary words too, and so no sign that the file is meant. */
const ordinary = new Set([
  "access",
  "network",
  "cost",
  "commands",
  "budget",
  "canary",
  "approvals",
  "retention",
]);

function searched(
  message: string,
  { documentation, search, snapshot }: AnswerSources,
  locale: Locale,
): Answer {
  // Not all of the documentation is translated: who writes Portuguese gets the English where there is nothing else.
  const documented = documentation
    .search(message, 12)
    .filter(({ path }) => locale === "pt-BR" || !path.endsWith(".pt-BR.md"));
  const references = [...documented.slice(0, 4), ...search(snapshot, message, 4)]
    .toSorted((a, b) => b.score - a.score)
    .slice(0, 5);
  if (references.length === 0) {
    const examples = intents.map((intent) => `- ${intentTexts[intent].example[locale]}`);
    return { reply: [nothingFound[locale], ...examples].join("\n"), references: [] };
  }
  const shown = references
    .slice(0, 2)
    .map(({ title, path, snippet }) => `**${title}** (${path})\n${snippet}`);
  return { reply: [found[locale], ...shown].join("\n\n"), references };
}
