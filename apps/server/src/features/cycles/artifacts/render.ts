import {
  type Analysis,
  type DefinitionCheck,
  type DeliveryPlan,
  type Locale,
  type Text,
  text,
} from "@ciclo/contract";
import { code, document, heading, inline, list, paragraphs, table } from "./markdown.ts";

/** Artefacts as people read them, by file. */
export type Rendered = { file: string; markdown: string };

/** What analysis handed on, as Markdown. Pure. */
export function renderAnalysis(analysis: Analysis, locale: Locale): Rendered[] {
  return [
    { file: "quick-spec.md", markdown: quickSpec(analysis, locale) },
    { file: "test-plan.md", markdown: testPlan(analysis, locale) },
    { file: "risks.md", markdown: risks(analysis, locale) },
  ];
}

/** What planning handed on, as Markdown. Pure. */
export function renderPlan(plan: DeliveryPlan, analysis: Analysis, locale: Locale): Rendered[] {
  return [
    { file: "work-breakdown.md", markdown: work(plan, locale) },
    { file: "definitions.md", markdown: definitions(plan, locale) },
    { file: "risk-matrix.md", markdown: riskMatrix(plan, analysis, locale) },
    { file: "repository-context.md", markdown: context(plan, locale) },
  ];
}

function quickSpec({ quick_spec: spec }: Analysis, locale: Locale): string {
  const says = (words: Text): string => words[locale];
  return document(
    heading(1, spec.title),
    paragraphs(spec.summary),
    heading(2, says(words.goals)),
    list(spec.goals.map(inline)),
    ...optional(heading(2, says(words.nonGoals)), spec.non_goals.map(inline)),
    heading(2, says(words.requirements)),
    ...spec.requirements.flatMap(({ id, text: wanted, priority, acceptance }) => [
      `### ${id} · ${says(priorities[priority])}`,
      paragraphs(wanted),
      list(acceptance.map(inline)),
    ]),
    ...optional(
      heading(2, says(words.questions)),
      spec.open_questions.map(
        ({ id, question, why, answer }) =>
          `**${id}** ${inline(question)} (${inline(why)})  \n  ${says(words.answer)}: ${
            answer === null ? `*${says(words.unanswered)}*` : inline(answer)
          }`,
      ),
    ),
  );
}

/** A heading with a list; neither where that is empty. */
const optional = (head: string, entries: readonly string[]): string[] =>
  entries.length === 0 ? [] : [head, list(entries)];

function testPlan({ test_plan: { cases } }: Analysis, locale: Locale): string {
  return document(
    heading(1, words.testPlan[locale]),
    ...cases.flatMap((one) => [
      `## ${one.id} · ${inline(one.title)}`,
      `${kinds[one.kind][locale]} · ${one.requirements.join(", ")}`,
      list([
        `**${words.given[locale]}** ${inline(one.given)}`,
        `**${words.when[locale]}** ${inline(one.when)}`,
        `**${words.outcome[locale]}** ${inline(one.outcome)}`,
      ]),
    ]),
  );
}

const risks = ({ risks: { risks: all } }: Analysis, locale: Locale): string =>
  document(
    heading(1, words.risks[locale]),
    all.length === 0
      ? words.none[locale]
      : list(all.map(({ id, title, effect }) => `**${id}** ${inline(title)}: ${inline(effect)}`)),
  );

function work({ work_breakdown: { items }, checkpoints }: DeliveryPlan, locale: Locale): string {
  const head = [words.item, words.needs, words.requirements, words.tests, words.hours].map(
    (each) => each[locale],
  );
  return document(
    heading(1, words.work[locale]),
    table(
      head,
      items.map((item) => [
        `${"&nbsp;&nbsp;".repeat(item.id.split(".").length - 1)}**${item.id}** ${inline(item.title)}`,
        item.depends_on.join(", "),
        item.requirements.join(", "),
        item.test_cases.join(", "),
        item.estimate_hours === null ? "" : String(item.estimate_hours),
      ]),
    ),
    ...items.flatMap(({ id, title, description }) => [`## ${id} ${inline(title)}`, paragraphs(description)]),
    ...optional(
      heading(2, words.checkpoints[locale]),
      checkpoints.checkpoints.map(
        ({ id, after, question }) => `**${id}** ${words.after[locale]} ${after}: ${inline(question)}`,
      ),
    ),
  );
}

function definitions({ definitions: { ready, done } }: DeliveryPlan, locale: Locale): string {
  const entries = (all: DeliveryPlan["definitions"]["ready"]): string =>
    list(all.map((one) => `${inline(one.text)} (${says(one.verified_by)[locale]})`));
  return document(
    heading(1, words.definitions[locale]),
    heading(2, words.ready[locale]),
    entries(ready),
    heading(2, words.done[locale]),
    entries(done),
  );
}

function says(check: DefinitionCheck): Text {
  switch (check.check) {
    case "questions_answered":
      return text("every open question has an answer", "todas as questões em aberto têm resposta");
    case "base_gate_passes":
      return text(
        `gate ${code(check.gate)} passes on the base commit`,
        `o gate ${code(check.gate)} passa no commit de base`,
      );
    case "gate_passes":
      return text(`gate ${code(check.gate)} passes`, `o gate ${code(check.gate)} passa`);
    case "requirement_tested":
      return text(
        `a test of ${check.requirement} failed before and passes now`,
        `um teste de ${check.requirement} falhava antes e passa agora`,
      );
    case "changed_lines_covered":
      return text(
        `tests run at least ${percent(check.at_least)} of the changed lines`,
        `os testes executam pelo menos ${percent(check.at_least)} das linhas alteradas`,
      );
    case "mutants_detected":
      return text(
        `tests detect at least ${percent(check.at_least)} of the mutants of the changed lines`,
        `os testes detectam pelo menos ${percent(check.at_least)} dos mutantes das linhas alteradas`,
      );
    case "only_changes": {
      const paths = check.paths.map(code).join(", ");
      return text(`nothing but ${paths} is changed`, `nada além de ${paths} é alterado`);
    }
    case "file_changed":
      return text(`${code(check.path)} is changed`, `${code(check.path)} é alterado`);
  }
}

const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`;

/** The gravest first. */
function riskMatrix(
  { risk_matrix: { entries } }: DeliveryPlan,
  { risks: known }: Analysis,
  locale: Locale,
): string {
  const titles = new Map(known.risks.map(({ id, title }) => [id, title]));
  const gravity = ({ probability, impact }: (typeof entries)[number]): number => probability * impact;
  const head = [words.risk, words.probability, words.impact, words.gravity, words.mitigation, words.owner];
  return document(
    heading(1, words.riskMatrix[locale]),
    entries.length === 0
      ? words.none[locale]
      : table(
          head.map((each) => each[locale]),
          entries
            .toSorted((a, b) => gravity(b) - gravity(a))
            .map((entry) => [
              `**${entry.risk}** ${inline(titles.get(entry.risk) ?? "")}`,
              String(entry.probability),
              String(entry.impact),
              String(gravity(entry)),
              inline(entry.mitigation),
              inline(entry.owner),
            ]),
        ),
  );
}

const context = ({ repository_context: { files } }: DeliveryPlan, locale: Locale): string =>
  document(
    heading(1, words.context[locale]),
    files.length === 0
      ? words.none[locale]
      : list(files.map(({ path, why }) => `${code(path)}: ${inline(why)}`)),
  );

const priorities = {
  must: text("must", "obrigatório"),
  should: text("should", "desejável"),
  could: text("could", "opcional"),
};

const kinds = {
  unit: text("Unit test", "Teste de unidade"),
  integration: text("Integration test", "Teste de integração"),
  end_to_end: text("End-to-end test", "Teste de ponta a ponta"),
};

const words = {
  goals: text("Goals", "Objetivos"),
  nonGoals: text("Non-goals", "Fora do escopo"),
  requirements: text("Requirements", "Requisitos"),
  questions: text("Open questions", "Questões em aberto"),
  answer: text("Answer", "Resposta"),
  unanswered: text("none yet", "ainda não há"),
  testPlan: text("Test plan", "Plano de testes"),
  given: text("Given", "Dado"),
  when: text("When", "Quando"),
  outcome: text("Then", "Então"),
  risks: text("Risks", "Riscos"),
  none: text("None.", "Nenhum."),
  work: text("Work breakdown", "Estrutura analítica do trabalho"),
  item: text("Work item", "Item de trabalho"),
  needs: text("Depends on", "Depende de"),
  tests: text("Test cases", "Casos de teste"),
  hours: text("Estimate (h)", "Estimativa (h)"),
  checkpoints: text("Checkpoints", "Pontos de verificação"),
  after: text("after", "depois de"),
  definitions: text("Definition of Ready and Definition of Done", "Definition of Ready e Definition of Done"),
  ready: text("Ready", "Ready"),
  done: text("Done", "Done"),
  riskMatrix: text("Risk matrix", "Matriz de riscos"),
  risk: text("Risk", "Risco"),
  probability: text("Probability (1–5)", "Probabilidade (1–5)"),
  impact: text("Impact (1–5)", "Impacto (1–5)"),
  gravity: text("Severity", "Severidade"),
  mitigation: text("Mitigation", "Mitigação"),
  owner: text("Owner", "Responsável"),
  context: text("Repository context", "Contexto do repositório"),
};
