import { type CycleDetail, cycleStages } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { codeOf } from "../../problems.ts";
import { ButtonLink } from "../../ui/button.tsx";
import { Commit, Mono } from "../../ui/code.tsx";
import { cx } from "../../ui/cx.ts";
import { Facts, PageHeader, Panel } from "../../ui/page.tsx";
import { Empty, Note, Problem, Skeleton } from "../../ui/states.tsx";
import { Tabs } from "../../ui/tabs.tsx";
import { Timeline } from "../../ui/timeline.tsx";
import { PullRequestState } from "../changes/pull-request.tsx";
import { useFigures } from "../costs/format.ts";
import { Actions } from "./actions.tsx";
import { DecisionPanel } from "./decision-panel.tsx";
import { Diff, Logs, logsOf } from "./evidence.tsx";
import { CycleBadge, ReplayBadge, stageLabels, stepLook } from "./labels.tsx";
import { Money } from "./money.tsx";
import { Permissions } from "./permissions.tsx";
import { Proof } from "./proof.tsx";
import { cycleQuery } from "./queries.ts";
import { Questions } from "./questions.tsx";
import { Plan, Spec } from "./spec.tsx";
import { type CycleTab, cycleTabs } from "./tabs.ts";

/** One cycle: what is asked of the reader first, then the proof, from requirement to money. */
export function CyclePage({ id, tab, onTab }: { id: string; tab: CycleTab; onTab(tab: CycleTab): void }) {
  const { t } = useLingui();
  const { data: cycle, error, isPending, refetch } = useQuery(cycleQuery(id));
  if (isPending) return <Skeleton rows={4} height={80} />;
  if (codeOf(error) === "not_found")
    return (
      <>
        <PageHeader title={t`No such cycle`} />
        <Empty title={id} action={<ButtonLink to="/cycles">{t`All cycles`}</ButtonLink>}>
          {t`Nobody has started a cycle of this name on this console.`}
        </Empty>
      </>
    );
  if (cycle === undefined) return <Problem error={error} onRetry={() => void refetch()} />;
  const tabs = [
    { id: "proof", label: t`Proof`, content: <Proof cycle={cycle} /> },
    { id: "spec", label: t`Specification`, content: <Spec cycle={cycle} /> },
    { id: "plan", label: t`Plan`, content: <Plan cycle={cycle} /> },
    { id: "diff", label: t`Diff`, content: <Diff cycle={cycle} /> },
    { id: "logs", label: t`Logs`, count: logsOf(cycle).length, content: <Logs cycle={cycle} /> },
    {
      id: "history",
      label: t`History`,
      content: <History cycle={cycle} />,
    },
  ];
  return (
    <>
      <PageHeader
        title={cycle.title}
        lead={
          <span className="flex flex-wrap items-center gap-2">
            <CycleBadge {...cycle} />
            <ReplayBadge {...cycle} />
            <Mono>{cycle.id}</Mono>
          </span>
        }
        actions={<Actions cycle={cycle} />}
      />
      <Stages cycle={cycle} />
      <Notes cycle={cycle} />
      <Permissions cycle={cycle} />
      <Questions cycle={cycle} />
      <DecisionPanel cycle={cycle} />
      <div className="grid gap-5 lg:grid-cols-[minmax(0,1fr)_19rem]">
        <div className="min-w-0">
          <Tabs
            label={t`Parts of the cycle`}
            value={tab}
            onChange={(next) => onTab(cycleTabs.find((one) => one === next) ?? "proof")}
            tabs={tabs}
          />
        </div>
        <Aside cycle={cycle} />
      </div>
    </>
  );
}

function History({ cycle: { timeline } }: { cycle: CycleDetail }) {
  const { i18n } = useLingui();
  return (
    <Timeline
      items={timeline.map(({ at, type, actor, detail }, index) => {
        const { tone, icon, label } = stepLook(type);
        return {
          key: `${index} ${at}`,
          at,
          tone,
          icon,
          title: i18n._(label),
          detail: `${actor} · ${detail}`,
        };
      })}
    />
  );
}

/** What a reader has to know before anything else. */
function Notes({ cycle: { replay, reason } }: { cycle: CycleDetail }) {
  const { t } = useLingui();
  return (
    <>
      {replay ? (
        <Note tone="warn">{t`Replay: prepared replies stand in for the models. The agent, commits, gates and approvals are real.`}</Note>
      ) : null}
      {reason === null ? null : <Note tone="warn">{reason}</Note>}
    </>
  );
}

/** The stages in their order, and how far the cycle has come. */
function Stages({ cycle: { stage, state } }: { cycle: CycleDetail }) {
  const { t, i18n } = useLingui();
  const isMerged = state === "completed" || state === "rolling_back" || state === "rolled_back";
  const at = isMerged ? cycleStages.length : cycleStages.indexOf(stage);
  return (
    <ol aria-label={t`Stages`} className="flex flex-wrap gap-x-1 gap-y-2">
      {cycleStages.map((one, index) => (
        <li
          key={one}
          aria-current={index === at ? "step" : undefined}
          className={cx(
            "rounded-full border px-3 py-1 text-[0.93rem]",
            index < at && "border-transparent bg-ok-soft text-ok",
            index === at && "border-accent bg-accent-soft font-medium text-accent",
            index > at && "border-line text-muted",
          )}
        >
          {i18n._(stageLabels[one])}
        </li>
      ))}
    </ol>
  );
}

function RollbackFact({
  rollback: { by, reason, commit },
}: {
  rollback: NonNullable<CycleDetail["rollback"]>;
}) {
  return (
    <span>
      {by}
      {reason === null ? "" : ` · ${reason}`} {commit === null ? null : <Commit sha={commit} />}
    </span>
  );
}

function Aside({ cycle }: { cycle: CycleDetail }) {
  const { t } = useLingui();
  const { count: number } = useFigures();
  const { recipe } = cycle;
  return (
    <aside className="flex min-w-0 flex-col gap-5">
      <Money cycle={cycle} />
      <Panel title={t`Work`}>
        <Facts
          items={[
            [t`Repository`, <Mono key="r">{cycle.repository}</Mono>],
            cycle.base_branch === null ? null : [t`Branch`, <Mono key="b">{cycle.base_branch}</Mono>],
            cycle.base_commit === null ? null : [t`From`, <Commit key="f" sha={cycle.base_commit} />],
            cycle.head_commit === null ? null : [t`Last commit`, <Commit key="h" sha={cycle.head_commit} />],
            cycle.rollback === null
              ? null
              : [t`Rollback asked for by`, <RollbackFact key="rb" rollback={cycle.rollback} />],
            [t`Asked for by`, cycle.requested_by.name],
            [t`Tries`, number(cycle.tries)],
            recipe === null
              ? null
              : [
                  t`Checked by`,
                  <span key="c">
                    <Mono>{recipe.recipe.test}</Mono>{" "}
                    {recipe.from === "declared" ? t`(the repository says so)` : t`(found by its files)`}
                  </span>,
                ],
          ]}
        />
      </Panel>
      {cycle.pull_request === null ? null : (
        <Panel title={t`Pull request`}>
          <PullRequestState pullRequest={cycle.pull_request}>
            {cycle.pull_request.has_manifest ? <p>{t`The manifest is attached to it.`}</p> : null}
          </PullRequestState>
        </Panel>
      )}
      <Panel title={t`Issue`}>
        {cycle.issue === "" ? (
          <Empty title={t`Empty`} />
        ) : (
          <p className="max-h-72 overflow-y-auto whitespace-pre-wrap wrap-anywhere">{cycle.issue}</p>
        )}
      </Panel>
    </aside>
  );
}
