import type { CycleDetail } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { Mono } from "../../ui/code.tsx";
import { Panel } from "../../ui/page.tsx";
import { Empty } from "../../ui/states.tsx";
import { newest } from "./newest.ts";

/** What is wanted, as the analysis has it. */
export function Spec({ cycle }: { cycle: CycleDetail }) {
  const { t } = useLingui();
  const analysis = newest(cycle, "analysis");
  if (analysis === undefined) return <Empty title={t`Not analysed yet`} />;
  const { quick_spec: spec, test_plan: tests, risks } = analysis.content;
  const priorities = { must: t`(must)`, should: t`(should)`, could: t`(could)` };
  return (
    <div className="flex flex-col gap-5">
      <Panel title={spec.title}>
        <p className="whitespace-pre-wrap wrap-anywhere">{spec.summary}</p>
        <List title={t`Goals`} items={spec.goals} />
        <List title={t`Not wanted`} items={spec.non_goals} />
      </Panel>
      <Panel title={t`Requirements`}>
        <ul className="flex flex-col gap-3">
          {spec.requirements.map(({ id, text, priority, acceptance }) => (
            <li key={id} className="wrap-anywhere">
              <strong>{id}</strong> {text} <span className="text-muted">{priorities[priority]}</span>
              <ul className="list-disc pl-6 text-muted">
                {acceptance.map((one) => (
                  <li key={one}>{one}</li>
                ))}
              </ul>
            </li>
          ))}
        </ul>
      </Panel>
      <Panel title={t`Test cases`}>
        <ul className="flex flex-col gap-3">
          {tests.cases.map(({ id, title, requirements, given, when, outcome }) => (
            <li key={id} className="wrap-anywhere">
              <strong>{id}</strong> {title}{" "}
              <span className="text-muted">{`(${requirements.join(", ")})`}</span>
              <p className="text-muted">{t`Given ${given}; when ${when}; then ${outcome}.`}</p>
            </li>
          ))}
        </ul>
      </Panel>
      {spec.open_questions.some(({ answer }) => answer !== null) ? (
        <Panel title={t`Answers`}>
          <ul className="flex flex-col gap-2">
            {spec.open_questions.map(({ id, question, answer }) => (
              <li key={id} className="wrap-anywhere">
                <strong>{id}</strong> {question}
                <p>{answer}</p>
              </li>
            ))}
          </ul>
        </Panel>
      ) : null}
      {risks.risks.length === 0 ? null : (
        <Panel title={t`Risks`}>
          <ul className="flex flex-col gap-2">
            {risks.risks.map(({ id, title, effect }) => (
              <li key={id} className="wrap-anywhere">
                <strong>{id}</strong> {title} <span className="block text-muted">{effect}</span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </div>
  );
}

function List({ title, items }: { title: string; items: readonly string[] }) {
  if (items.length === 0) return null;
  return (
    <>
      <h3 className="mt-3">{title}</h3>
      <ul className="list-disc pl-6">
        {items.map((item) => (
          <li key={item} className="wrap-anywhere">
            {item}
          </li>
        ))}
      </ul>
    </>
  );
}

/** How it is done, as the plan has it: the work as a tree, the risks, what was looked at. */
export function Plan({ cycle }: { cycle: CycleDetail }) {
  const { t } = useLingui();
  const plan = newest(cycle, "plan");
  if (plan === undefined) return <Empty title={t`Not planned yet`} />;
  const {
    work_breakdown: work,
    risk_matrix: matrix,
    repository_context: context,
    definitions,
  } = plan.content;
  return (
    <div className="flex flex-col gap-5">
      <Panel title={t`Parts of the work`}>
        <ul className="flex flex-col gap-3">
          {work.items.map(
            ({ id, title, description, requirements, test_cases: cases, estimate_hours: hours }) => (
              <li
                key={id}
                className="wrap-anywhere"
                style={{ paddingInlineStart: `${(id.split(".").length - 1) * 1.25}rem` }}
              >
                <strong>{id}</strong> {title}{" "}
                <span className="text-muted">
                  {[...requirements, ...cases].join(", ")}
                  {hours === null ? "" : ` · ${t`${hours} h`}`}
                </span>
                <p className="text-muted">{description}</p>
              </li>
            ),
          )}
        </ul>
      </Panel>
      <Panel title={t`Done when`}>
        <ul className="list-disc pl-6">
          {definitions.done.map(({ text, verified_by: { check } }) => (
            <li key={text} className="wrap-anywhere">
              {text} <Mono className="text-muted">{check}</Mono>
            </li>
          ))}
        </ul>
      </Panel>
      {matrix.entries.length === 0 ? null : (
        <Panel title={t`Risks`}>
          <ul className="flex flex-col gap-2">
            {matrix.entries.map(({ risk, probability, impact, mitigation, owner }) => (
              <li key={risk} className="wrap-anywhere">
                <strong>{risk}</strong> {t`probability ${probability}, impact ${impact}`}
                <span className="block">{mitigation}</span>
                <span className="text-muted">{owner}</span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
      {context.files.length === 0 ? null : (
        <Panel title={t`What the plan was made from`}>
          <ul className="flex flex-col gap-1">
            {context.files.map(({ path, why }) => (
              <li key={path} className="wrap-anywhere">
                <Mono>{path}</Mono> <span className="text-muted">{why}</span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </div>
  );
}
