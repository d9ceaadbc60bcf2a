import { type AgentFile, type IntentPayload, type Text, text } from "@ciclo/contract";
import { fieldError, invalidPayload } from "../../../errors.ts";
import type { Snapshot } from "../../../domain/snapshot.ts";
import { type Draft, type DraftInput, writeStep } from "../draft.ts";
import type { JsonObject } from "../json.ts";
import { writeYaml } from "../yaml-edit.ts";
import { agentReadme, titleOf } from "./add-agent.ts";

type Payload = IntentPayload<"generate_artifact">;
type ArtifactType = Payload["artifact_type"];

/** Where an artefact of each type may stand. */
const places: Record<ArtifactType, { pattern: RegExp; example: string }> = {
  "agent.manifest": { pattern: /^agents\/[a-z0-9-]+\/agent\.yaml$/, example: "agents/<name>/agent.yaml" },
  "agent.readme": { pattern: /^agents\/[a-z0-9-]+\/README\.md$/, example: "agents/<name>/README.md" },
  "finops.checklist": { pattern: /^(generated|docs)\/[^\0]+\.md$/, example: "generated/finops.md" },
  adr: { pattern: /^(generated|docs)\/[^\0]+\.md$/, example: "docs/adr/0007-title.md" },
  runbook: { pattern: /^(generated|docs)\/[^\0]+\.md$/, example: "docs/runbooks/title.md" },
};

/** Writes one document from a template, the parameters and the live configuration. */
export function draftGenerateArtifact({
  payload,
  snapshot,
  existing,
}: DraftInput<"generate_artifact">): Draft {
  const { artifact_type: type, target_path: path } = payload;
  const place = places[type];
  if (!place.pattern.test(path)) {
    throw invalidPayload([
      fieldError(
        "target_path",
        `${type}: takes a path like ${place.example}`,
        `${type}: usa um caminho como ${place.example}`,
      ),
    ]);
  }
  const summary: Text =
    existing === null
      ? text(`Generate ${type} at ${path}`, `Gerar ${type} em ${path}`)
      : text(`Rewrite ${path} as ${type}`, `Reescrever ${path} como ${type}`);
  return {
    name: `generate-${type.replace(".", "-")}-${slugOfPath(path)}`,
    summary,
    steps: [
      writeStep(
        "write-artifact",
        text("Write the document", "Escrever o documento"),
        text(
          "From its template, the parameters and the live configuration.",
          "A partir do modelo, dos parâmetros e da configuração ativa.",
        ),
        { path, contents: templates[type](payload, snapshot) },
      ),
    ],
    fileSummaries: new Map([[path, summary]]),
    overwrites: existing === null ? [] : [path],
    searchFor: `${type} ${path.replace(/[/.-]/g, " ")} ${parameter(payload, "title")}`,
  };
}

const templates: Record<ArtifactType, (payload: Payload, snapshot: Snapshot) => string> = {
  "agent.manifest": (payload, snapshot) => {
    const name = agentOf(payload);
    const before = snapshot.agents.get(name);
    const fields = { ...before, ...payload.parameters };
    return writeYaml({ name, title: titleOf(name), version: "1.0.0", ...(fields as JsonObject) });
  },
  "agent.readme": (payload, snapshot) => {
    const name = agentOf(payload);
    const agent: Partial<AgentFile> = snapshot.agents.get(name) ?? {};
    return agentReadme(name, agent.title ?? titleOf(name), agent);
  },
  "finops.checklist": (payload, snapshot) => finopsChecklist(payload, snapshot),
  adr: (payload) => {
    const number = /(\d+)-[^/]*$/.exec(payload.target_path)?.[1];
    const title = parameter(payload, "title") || titleFromPath(payload.target_path);
    return sections(`# ${number === undefined ? "" : `${number}. `}${title}`, [
      ["Status", parameter(payload, "status") || "Proposed"],
      ["Context", parameter(payload, "context") || "What makes a decision necessary, and what bounds it."],
      ["Decision", parameter(payload, "decision") || "What is done, in the active voice."],
      ["Consequences", parameter(payload, "consequences") || "What becomes easier, and what becomes harder."],
    ]);
  },
  runbook: (payload) =>
    sections(`# ${parameter(payload, "title") || titleFromPath(payload.target_path)}`, [
      ["When", parameter(payload, "when") || "The symptom or alert that brings somebody here."],
      ["Check", parameter(payload, "check") || "1. What to look at first, with the command."],
      ["Act", parameter(payload, "act") || "1. What to do, with the command and what it should print."],
      [
        "Roll back",
        parameter(payload, "rollback") || "How to take it back: `ciclo rollback --plan-id <id>`.",
      ],
      ["Tell", parameter(payload, "tell") || "Who must know, and where it is written down."],
    ]),
};

function finopsChecklist(payload: Payload, snapshot: Snapshot): string {
  const budgets = [...snapshot.policies.values()].flatMap((policy) =>
    policy.kind === "budget" ? [policy] : [],
  );
  const rows = budgets.map(
    ({ id, limits, on_exceeded }) =>
      `| ${id} | ${limits.daily_usd ?? "—"} | ${limits.monthly_usd ?? "—"} | ${on_exceeded} |`,
  );
  const covered = (agent: AgentFile) => budgets.some(({ id }) => agent.policies?.includes(id));
  const agents = [...snapshot.agents.values()].map(
    (agent) =>
      `- [ ] ${agent.name}: ${covered(agent) ? `budget ${agent.policies?.join(", ")}` : "no budget policy"}`,
  );
  return sections(`# ${parameter(payload, "title") || "FinOps checklist"}`, [
    [
      "Budgets",
      ["| policy | USD a day | USD a month | when exceeded |", "|---|---|---|---|", ...rows].join("\n"),
    ],
    ["Agents", agents.join("\n") || "None."],
    [
      "Each month",
      "- [ ] Spend against budget read\n- [ ] Unpriced calls explained\n- [ ] Limits still right",
    ],
  ]);
}

function sections(heading: string, parts: [string, string][]): string {
  return `${heading}\n${parts.map(([title, body]) => `\n## ${title}\n\n${body}\n`).join("")}`;
}

function parameter(payload: Payload, name: string): string {
  const value = payload.parameters?.[name];
  return typeof value === "string" ? value.trim() : "";
}

const agentOf = (payload: Payload): string => payload.target_path.split("/")[1] ?? "";
const fileName = (path: string): string => (path.split("/").at(-1) ?? path).replace(/\.[a-z]+$/, "");
const titleFromPath = (path: string): string => titleOf(fileName(path).replace(/^\d+-/, ""));
const slugOfPath = (path: string): string =>
  fileName(path)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 40) || "file";
