import {
  type CheckReport,
  type Documentation,
  type Execution,
  type Locale,
  type Text,
  text,
} from "@ciclo/contract";
import { block, code, document, heading, inline, list, paragraphs, table } from "./markdown.ts";

/** What an agent did, as Markdown: its own word is marked as such. Pure. */
export const renderExecution = (execution: Execution, locale: Locale): string =>
  document(
    heading(1, `${words.execution[locale]} ${execution.try}`),
    list([
      `${words.agent[locale]}: ${inline(execution.agent.name)} ${inline(execution.agent.version ?? "")}`.trimEnd(),
      `${words.stop[locale]}: ${code(execution.stop_reason)}`,
      ...execution.commits.map(({ commit, subject }) => `${code(commit.slice(0, 12))} ${inline(subject)}`),
    ]),
    heading(2, words.claims[locale]),
    paragraphs(execution.claims),
  );

/** What was written about a change, as Markdown. Pure. */
export const renderDocumentation = (
  { changelog, decision_record: decision, edits, pull_request: request }: Documentation,
  locale: Locale,
): string =>
  document(
    heading(1, `${request.type}: ${request.title}`),
    paragraphs(request.body),
    heading(2, words.changelog[locale]),
    list(changelog.map(({ section, entry }) => `**${section}** ${inline(entry)}`)),
    ...(edits.length === 0 ? [] : [heading(2, words.documents[locale])]),
    ...edits.flatMap(({ path, find, replace }) => [code(path), block(changedLines(find, replace), "diff")]),
    ...(decision === null
      ? []
      : [
          heading(2, decision.title),
          ...([decision.context, decision.decision, decision.consequences] as const).map(paragraphs),
        ]),
  );

/** A passage and what takes its place, as a diff writes it. */
const changedLines = (find: string, replace: string): string =>
  [...find.split("\n").map((row) => `-${row}`), ...replace.split("\n").map((row) => `+${row}`)].join("\n");

/** What the console found, as Markdown. Pure. */
export const renderCheck = (report: CheckReport, locale: Locale): string =>
  document(
    heading(1, words.check[locale]),
    ...(report.problems.length === 0
      ? [words.green[locale]]
      : [list(report.problems.map((problem) => inline(problem[locale])))]),
    table(
      [words.gate, words.on, words.result, words.time].map((word) => word[locale]),
      report.gates.map(({ gate, on, passed, code: exit, ended, ms }) => [
        gate,
        on,
        passed ? words.passed[locale] : (ended ?? `exit ${exit}`),
        `${(ms / 1000).toFixed(1)} s`,
      ]),
    ),
    heading(2, words.requirements[locale]),
    list(
      report.requirements.flatMap(({ requirement, cases }) =>
        cases.map(
          (one) =>
            `**${requirement}** ${one.case}: ${one.tests.length === 0 ? words.unshown[locale] : one.tests.map(inline).join("; ")}`,
        ),
      ),
    ),
    ...renderCaptures(report, locale),
    ...renderMeasures(report, locale),
    ...(report.to_agree.length === 0
      ? []
      : [
          heading(2, words.agree[locale]),
          list(
            report.to_agree.map(
              ({ kind, path, line, text: said }) =>
                `${inline(agreements[kind][locale])}: ${code(line === null ? path : `${path}:${line}`)}${said === null ? "" : ` ${code(said)}`}`,
            ),
          ),
        ]),
    heading(2, words.files[locale]),
    list(report.changed.map(({ path, added, removed }) => `${code(path)} +${added} −${removed}`)),
  );

/** Pictures, videos and traces, by their hashes: what they show is kept with the cycle. */
function renderCaptures({ captures }: CheckReport, locale: Locale): string[] {
  if (captures.length === 0) return [];
  return [
    heading(2, words.looked[locale]),
    list(
      captures.map(
        ({ on, test, name, sha256 }) =>
          `${on === "red" ? words.before[locale] : words.after[locale]}: ${test === null ? "" : `${inline(test)}, `}${code(name.slice(name.lastIndexOf("/") + 1))} ${code(sha256.slice(0, 12))}`,
      ),
    ),
  ];
}

/** What was measured; what was not is said to be so, and is no figure. */
function renderMeasures({ measures }: CheckReport, locale: Locale): string[] {
  if (measures === null) return [];
  const { coverage, mutation } = measures;
  const none = words.unmeasured[locale];
  const survived = (mutation?.survived ?? []).map(
    ({ path, line, from, to }) => `${code(`${path}:${line}`)} ${code(from)} → ${code(to)}`,
  );
  const missed = (coverage?.missed ?? []).map(({ path, line }) => code(`${path}:${line}`));
  return [
    heading(2, words.measured[locale]),
    list([
      `${words.covered[locale]}: ${coverage === null ? none : `${coverage.covered} / ${coverage.lines}`}`,
      ...(coverage?.not_measured ?? []).map((path) => `${code(path)}: ${none}`),
      ...(missed.length === 0 ? [] : [`${words.missed[locale]}: ${missed.join(", ")}`]),
      `${words.mutants[locale]}: ${mutation === null ? none : `${mutation.detected} / ${mutation.mutants}`}`,
      ...survived.map((one) => `${words.survived[locale]}: ${one}`),
      ...(mutation?.not_measured ?? []).map((path) => `${code(path)}: ${words.noMutants[locale]}`),
    ]),
  ];
}

const agreements: Record<CheckReport["to_agree"][number]["kind"], Text> = {
  test_deleted: text("A test was deleted", "Um teste foi apagado"),
  test_disabled: text("A test was switched off", "Um teste foi desligado"),
  assertion_changed: text("An assertion of a test was changed", "Uma asserção de um teste foi alterada"),
  check_silenced: text("A check was silenced", "Uma verificação foi silenciada"),
  checks_changed: text("Configuration of checks was changed", "Configuração de verificações foi alterada"),
  test_lost: text("A test that ran does not run any more", "Um teste que rodava não roda mais"),
  tests_unknown: text(
    "The results of single tests are not known: only the exit code counts",
    "Os resultados de cada teste não são conhecidos: só vale o código de saída",
  ),
  shown_by_absence: text(
    "Shown only by a test that could not even ask before",
    "Mostrado só por um teste que antes nem podia perguntar",
  ),
  not_measured: text("Promised by the plan, and not measured", "Prometido pelo plano, e não medido"),
};

const words = {
  execution: text("Execution", "Execução"),
  agent: text("Agent", "Agente"),
  stop: text("Ended with", "Terminou com"),
  claims: text("What the agent says (not verified)", "O que o agente diz (não verificado)"),
  changelog: text("Changelog", "Changelog"),
  documents: text("Documents", "Documentos"),
  check: text("What the console found", "O que a console verificou"),
  green: text("All gates are green.", "Todos os gates estão verdes."),
  gate: text("Gate", "Gate"),
  on: text("Commit", "Commit"),
  result: text("Result", "Resultado"),
  time: text("Time", "Tempo"),
  passed: text("passed", "passou"),
  requirements: text("Requirements", "Requisitos"),
  unshown: text("no test shows it", "nenhum teste o mostra"),
  looked: text("How it looked", "Como ficou"),
  before: text("before the change", "antes da mudança"),
  after: text("after it", "depois dela"),
  measured: text("How well the change is tested", "Quão bem a mudança é testada"),
  covered: text("Changed lines that ran in the tests", "Linhas alteradas que rodaram nos testes"),
  missed: text("Did not run", "Não rodaram"),
  mutants: text("Mutants of them that a test noticed", "Mutantes delas que um teste notou"),
  survived: text("Nobody noticed", "Ninguém notou"),
  noMutants: text("no mutants could be made of it", "não foi possível criar mutantes dele"),
  unmeasured: text("not measured", "não medido"),
  agree: text("To be agreed to", "Requer concordância"),
  files: text("Files", "Arquivos"),
};
