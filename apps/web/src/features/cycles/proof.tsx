import type { CheckReport, CycleDetail } from "@ciclo/contract";
import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import { Plural, useLingui } from "@lingui/react/macro";
import { Badge } from "../../ui/badge.tsx";
import { Mono } from "../../ui/code.tsx";
import { Facts, Panel } from "../../ui/page.tsx";
import { Empty, Note } from "../../ui/states.tsx";
import { useFigures } from "../costs/format.ts";
import { Captures } from "./captures.tsx";
import { Recording } from "./evidence.tsx";
import { newest } from "./newest.ts";

const agreements: Record<CheckReport["to_agree"][number]["kind"], MessageDescriptor> = {
  test_deleted: msg`A test was deleted`,
  test_disabled: msg`A test was switched off`,
  assertion_changed: msg`An assertion of a test was changed`,
  check_silenced: msg`A check was silenced`,
  checks_changed: msg`The configuration of checks was changed`,
  test_lost: msg`A test that ran does not run any more`,
  tests_unknown: msg`The results of single tests are not known: only the exit code counts`,
  shown_by_absence: msg`Shown only by a test that could not even ask before`,
  not_measured: msg`Promised by the plan, and not measured`,
};

/** What is known of the work, by the gates that the console ran: requirement, test, red before, green now. */
export function Proof({ cycle }: { cycle: CycleDetail }) {
  const { t, i18n } = useLingui();
  const locale = i18n.locale === "pt-BR" ? "pt-BR" : "en";
  const report = newest(cycle, "check")?.content;
  const execution = newest(cycle, "execution")?.content;
  if (report === undefined)
    return (
      <Empty title={t`Nothing is proved yet`}>
        {t`Once an agent has done the work, the console runs build and tests itself, before the change and after it, and shows here what it found.`}
      </Empty>
    );
  return (
    <div className="flex flex-col gap-5">
      {report.problems.length === 0 ? null : (
        <Note tone="warn">
          <ul className="flex flex-col gap-1">
            {report.problems.map((problem) => (
              <li key={problem.en}>{problem[locale]}</li>
            ))}
          </ul>
        </Note>
      )}
      <ToAgree report={report} />
      <Panel title={t`Requirements`}>
        <ul className="flex flex-col gap-4">
          {report.requirements.map((requirement) => (
            <Requirement key={requirement.requirement} cycle={cycle} report={report} of={requirement} />
          ))}
        </ul>
      </Panel>
      <Gates cycle={cycle} report={report} />
      <OtherCaptures cycle={cycle} report={report} />
      <Measures report={report} />
      {execution === undefined ? null : (
        <Panel title={t`What the agent says (not verified)`}>
          <p className="mb-2 text-muted">
            {execution.agent.name} {execution.agent.version} · <Mono>{execution.stop_reason}</Mono>
          </p>
          <p className="max-h-60 overflow-y-auto whitespace-pre-wrap wrap-anywhere">{execution.claims}</p>
        </Panel>
      )}
    </div>
  );
}

function ToAgree({ report }: { report: CheckReport }) {
  const { t, i18n } = useLingui();
  if (report.to_agree.length === 0) return null;
  return (
    <Panel title={t`Whoever approves the merge agrees to this too`}>
      <ul className="flex flex-col gap-2">
        {report.to_agree.map(({ kind, path, line, text }) => (
          <li key={`${kind} ${path} ${line} ${text}`} className="wrap-anywhere">
            <Badge tone="warn" icon="warning">
              {i18n._(agreements[kind])}
            </Badge>{" "}
            <Mono>{line === null ? path : `${path}:${line}`}</Mono>
            {text === null ? null : <Mono className="block text-muted">{text}</Mono>}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

type Shown = CheckReport["requirements"][number];

function Requirement({ cycle, report, of }: { cycle: CycleDetail; report: CheckReport; of: Shown }) {
  const { t } = useLingui();
  const spec = newest(cycle, "analysis")?.content.quick_spec.requirements.find(
    ({ id }) => id === of.requirement,
  );
  const before = new Map((report.tests?.fresh ?? []).map(({ name, on_base: how }) => [name, how]));
  const howOf = (name: string): string => {
    const how = before.get(name);
    if (how === "assertion") return t`red before: an assertion failed`;
    return how === "green" || how === "error"
      ? t`not red before`
      : t`red before: what it asks for was not there`;
  };
  return (
    <li className="flex flex-col gap-1">
      <p className="wrap-anywhere">
        <strong>{of.requirement}</strong> {spec?.text}
      </p>
      <ul className="flex flex-col gap-1 pl-4">
        {of.cases.map(({ case: id, tests }) => (
          <li key={id} className="flex flex-wrap items-center gap-2">
            <span className="font-medium">{id}</span>
            {tests.length === 0 ? (
              <Badge tone="bad" icon="failed">
                {t`No test shows it`}
              </Badge>
            ) : (
              tests.map((name) => (
                <span key={name} className="flex min-w-0 flex-wrap items-center gap-2">
                  <span className="wrap-anywhere">{name}</span>
                  <Badge tone="bad" icon="failed">
                    {howOf(name)}
                  </Badge>
                  <Badge tone="ok" icon="done">
                    {t`green now`}
                  </Badge>
                  <Captures
                    id={cycle.id}
                    of={name}
                    captures={report.captures.filter(({ test }) => test === name)}
                  />
                </span>
              ))
            )}
          </li>
        ))}
      </ul>
    </li>
  );
}

/** Whether the new tests failed on what there was before, as they should. */
function RedBadge({ report: { tests } }: { report: CheckReport }) {
  const { t } = useLingui();
  const isRed = (tests?.fresh ?? []).every(({ on_base: how }) => how === "assertion" || how === "absence");
  return isRed ? (
    <Badge tone="ok" icon="done">
      {t`failed, as they should`}
    </Badge>
  ) : (
    <Badge tone="bad" icon="failed">
      {t`did not fail, though they should`}
    </Badge>
  );
}

/** What tests left that show no requirement, and files of which nobody says which test they are of. */
function OtherCaptures({ cycle: { id }, report }: { cycle: CycleDetail; report: CheckReport }) {
  const { t } = useLingui();
  const shown = new Set(report.requirements.flatMap(({ cases }) => cases.flatMap(({ tests }) => tests)));
  const others = report.captures.filter(({ test }) => test === null || !shown.has(test));
  const { captures_left_out: leftOut } = report;
  if (others.length + leftOut === 0) return null;
  return (
    <Panel title={t`Other pictures, videos and traces`}>
      <div className="flex flex-wrap items-center gap-2">
        <Captures id={id} of={t`other tests`} captures={others} />
      </div>
      {leftOut === 0 ? null : (
        <p className="mt-2 text-muted">
          <Plural
            value={leftOut}
            one="# file was not kept: too large, or of no kind that can be shown."
            other="# files were not kept: too large, or of no kind that can be shown."
          />
        </p>
      )}
    </Panel>
  );
}

/** How well the tests look at the change. What nobody measured is no figure. */
function Measures({ report: { measures } }: { report: CheckReport }) {
  const { t } = useLingui();
  if (measures === null) return null;
  const { coverage, mutation } = measures;
  const none = t`not measured`;
  const of = (part: number, all: number): string => t`${part} of ${all}`;
  return (
    <Panel title={t`How well the change is tested`}>
      <Facts
        items={[
          [
            t`Changed lines that ran in the tests`,
            coverage === null ? none : of(coverage.covered, coverage.lines),
          ],
          [
            t`Mutants of them that a test noticed`,
            mutation === null ? none : of(mutation.detected, mutation.mutants),
          ],
        ]}
      />
      {coverage === null || coverage.missed.length + coverage.not_measured.length === 0 ? null : (
        <ul className="mt-2 flex flex-col gap-1">
          {coverage.missed.map(({ path, line }) => (
            <li key={`${path} ${line}`} className="wrap-anywhere">
              <Badge tone="warn" icon="warning">{t`did not run`}</Badge> <Mono>{`${path}:${line}`}</Mono>
            </li>
          ))}
          {coverage.not_measured.map((path) => (
            <li key={path} className="wrap-anywhere">
              <Badge tone="neutral" icon="idle">
                {none}
              </Badge>{" "}
              <Mono>{path}</Mono>
            </li>
          ))}
        </ul>
      )}
      {mutation === null || mutation.survived.length + mutation.not_measured.length === 0 ? null : (
        <ul className="mt-2 flex flex-col gap-1">
          {mutation.survived.map(({ path, line, from, to }) => (
            <li key={`${path} ${line} ${to}`} className="wrap-anywhere">
              <Badge tone="warn" icon="warning">{t`nobody noticed`}</Badge> <Mono>{`${path}:${line}`}</Mono>
              <Mono className="block text-muted">{`${from} → ${to}`}</Mono>
            </li>
          ))}
          {mutation.not_measured.map((path) => (
            <li key={path} className="wrap-anywhere">
              <Badge tone="neutral" icon="idle">{t`no mutants could be made of it`}</Badge>{" "}
              <Mono>{path}</Mono>
            </li>
          ))}
        </ul>
      )}
      {mutation?.is_cut === true ? (
        <p className="mt-2 text-muted">{t`Time was up before all mutants had been tried.`}</p>
      ) : null}
    </Panel>
  );
}

const gateRow = "flex flex-wrap items-center gap-2 border-line not-first:border-t not-first:pt-2";

function Gates({ cycle: { id }, report }: { cycle: CycleDetail; report: CheckReport }) {
  const { t } = useLingui();
  const { tests } = report;
  const { ms: duration } = useFigures();
  const [before, now] = [tests?.passed_on_base ?? 0, tests?.passed_on_head ?? 0];
  return (
    <Panel title={t`Gates`}>
      <ul className="flex flex-col gap-2">
        {report.gates.map(({ gate, on, command, passed, code, ended, ms, recording }) => {
          return (
            <li key={`${gate} ${on}`} className={gateRow}>
              <Badge tone={passed ? "ok" : "bad"} icon={passed ? "done" : "failed"}>
                {passed ? t`passed` : (ended ?? t`exit ${code}`)}
              </Badge>
              <Mono>{command}</Mono>
              <span className="text-muted">
                {on === "base" ? t`before the change` : t`after it`} · {duration(ms)}
              </span>
              {recording === null ? null : <Recording id={id} sha256={recording} name={`${gate} ${on}`} />}
            </li>
          );
        })}
        {report.red_run === null ? null : (
          <li className={gateRow}>
            <RedBadge report={report} />
            <span className="text-muted">{t`the new tests, on what there was before the change`}</span>
            <Recording id={id} sha256={report.red_run.recording} name={t`the new tests`} />
          </li>
        )}
      </ul>
      {tests === null ? (
        <p className="mt-3 text-muted">{t`Single tests are not known: the console does not read this runner's results.`}</p>
      ) : (
        <p className="mt-3">{t`Tests that passed before: ${before}. Tests that pass now, in two runs: ${now}.`}</p>
      )}
    </Panel>
  );
}
