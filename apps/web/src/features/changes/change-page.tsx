import type { ChangeDetail } from "@ciclo/contract";
import { plural } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Undo2 } from "lucide-react";
import { Suspense, useState } from "react";
import { Button, ButtonLink } from "../../ui/button.tsx";
import { Commit, Copy, Mono } from "../../ui/code.tsx";
import { Facts, PageHeader, Panel } from "../../ui/page.tsx";
import { Empty, Problem, Skeleton } from "../../ui/states.tsx";
import { Tabs } from "../../ui/tabs.tsx";
import { Timeline } from "../../ui/timeline.tsx";
import { PlanEntries } from "../audit/plan-entries.tsx";
import { useBlocked, useSession } from "../session/session.tsx";
import { CanaryPanel } from "./canary-panel.tsx";
import { DecisionPanel } from "./decision-panel.tsx";
import { ChangeBadge, intentLabels, modeLabels, stepLook } from "./labels.tsx";
import { Risks, Steps } from "./plan-details.tsx";
import { PullRequestPanel } from "./pull-request.tsx";
import { changeQuery } from "./queries.ts";
import { RollbackDialog } from "./rollback-dialog.tsx";
import { type ChangeTab, changeTabs } from "./tabs.ts";
import { ToolChanges } from "./tool-changes.tsx";
import { Votes } from "./votes.tsx";
import { lazily } from "../../ui/lazily.ts";

const DiffView = lazily(async () => (await import("../../ui/diff.tsx")).DiffView);

/** One change: the decision first, then the evidence. */
export function ChangePage({
  planId,
  tab,
  onTab,
}: {
  planId: string;
  tab: ChangeTab;
  onTab(tab: ChangeTab): void;
}) {
  const { t } = useLingui();
  const { data: change, error, isPending, refetch } = useQuery(changeQuery(planId));
  if (isPending) return <Skeleton rows={4} height={80} />;
  if (change === undefined) return <Problem error={error} onRetry={() => void refetch()} />;
  if (change === null) {
    return (
      <>
        <PageHeader title={t`Change`} />
        <Empty
          title={t`No change has this plan`}
          action={<ButtonLink to="/changes">{t`All changes`}</ButtonLink>}
        >
          {t`A plan appears here once it has been submitted.`} <Mono>{planId}</Mono>
        </Empty>
      </>
    );
  }
  return (
    <>
      <Header change={change} />
      <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <div className="flex min-w-0 flex-col gap-5">
          {change.approval_id === null ? null : <DecisionPanel key={change.approval_id} change={change} />}
          {change.tool_changes.length === 0 ? null : <ToolChanges changes={change.tool_changes} />}
          <Evidence change={change} tab={tab} onTab={onTab} />
        </div>
        <Side change={change} />
      </div>
    </>
  );
}

function Header({ change }: { change: ChangeDetail }) {
  const { t } = useLingui();
  const [isAsking, setAsking] = useState(false);
  const { user } = useSession();
  // Authors withdraw what has not landed; the rest is for those who may roll back.
  const isOwn = change.author_id === user.id && change.outcome === null;
  const forbidden = useBlocked()("rollback");
  const blocked = isOwn ? null : forbidden;
  const isOver = change.outcome !== null && change.outcome !== "applied";
  return (
    <>
      <p className="-mb-3">
        <Link to="/changes">{t`Changes`}</Link>
      </p>
      <PageHeader
        title={change.plan.summary}
        lead={
          <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <ChangeBadge {...change} />
            {change.outcome === "rolled_back" ? null : <span>{change.message}</span>}
          </span>
        }
        actions={
          <Button
            look="danger"
            blocked={blocked ?? (isOver ? t`There is nothing left to roll back` : null)}
            icon={<Undo2 size={16} aria-hidden />}
            onClick={() => setAsking(true)}
          >
            {isOwn && forbidden !== null ? t`Withdraw…` : t`Roll back…`}
          </Button>
        }
      />
      {isAsking ? <RollbackDialog planId={change.plan_id} onClose={() => setAsking(false)} /> : null}
    </>
  );
}

function Evidence({
  change,
  tab,
  onTab,
}: {
  change: ChangeDetail;
  tab: ChangeTab;
  onTab(tab: ChangeTab): void;
}) {
  const { t } = useLingui();
  const { plan } = change;
  return (
    <Tabs
      label={t`Evidence`}
      value={tab}
      onChange={(id) => onTab(changeTabs.find((each) => each === id) ?? "diff")}
      tabs={[
        {
          id: "diff",
          label: t`Diff`,
          count: plan.diffs.length,
          content: (
            <Suspense fallback={<Skeleton rows={2} height={120} />}>
              <DiffView patch={change.diff.patch} />
            </Suspense>
          ),
        },
        {
          id: "plan",
          label: t`Steps and risks`,
          count: plan.steps.length + plan.risks.length,
          content: (
            <div className="flex flex-col gap-5">
              <Panel title={t`${plural(plan.steps.length, { one: "# step", other: "# steps" })}`}>
                <Steps plan={plan} />
              </Panel>
              <Panel title={t`Risks`}>
                <Risks plan={plan} />
              </Panel>
            </div>
          ),
        },
        { id: "audit", label: t`Audit entries`, content: <PlanEntries planId={change.plan_id} /> },
      ]}
    />
  );
}

function Side({ change }: { change: ChangeDetail }) {
  const { t, i18n } = useLingui();
  const { plan, approvals } = change;
  const { user } = useSession();
  const author = change.timeline.find(({ type }) => type === "change.submitted")?.actor;
  return (
    <div className="flex min-w-0 flex-col gap-5">
      <Panel title={t`Details`}>
        <Facts
          items={[
            [t`Kind`, i18n._(intentLabels[plan.intent])],
            author === undefined ? null : [t`Submitted by`, author],
            change.on_behalf_of === null ? null : [t`On behalf of`, nameOf(change.on_behalf_of)],
            [t`Way`, i18n._(modeLabels[change.mode])],
            [
              t`Plan`,
              <span key="plan" className="inline-flex items-center gap-0.5">
                <Mono>{change.plan_id}</Mono>
                <Copy value={change.plan_id} label={t`Copy plan id`} icon />
              </span>,
            ],
            [t`Branch`, <Mono key="branch">{change.branch}</Mono>],
            [t`Base`, <Mono key="base">{change.base_branch}</Mono>],
            change.commit_sha === null ? null : [t`Commit`, <Commit key="commit" sha={change.commit_sha} />],
            [t`Planned on`, <Commit key="on" sha={plan.base_commit} />],
            // A conversation is its owner's alone.
            change.threadId === null || author !== user.name
              ? null
              : [
                  t`Asked in`,
                  <Link key="thread" to="/assistant/$threadId" params={{ threadId: change.threadId }}>
                    {t`this conversation`}
                  </Link>,
                ],
          ]}
        />
      </Panel>
      {change.canary === null ? null : <CanaryPanel planId={change.plan_id} canary={change.canary} />}
      {change.status !== "hitl_required" && approvals.decisions.length > 0 ? (
        <Panel title={t`Votes`}>
          <Votes approvals={approvals} />
        </Panel>
      ) : null}
      {change.pull_request === null ? null : (
        <PullRequestPanel planId={change.plan_id} pullRequest={change.pull_request} />
      )}
      <Story change={change} />
    </div>
  );
}

const nameOf = ({ name, email }: NonNullable<ChangeDetail["on_behalf_of"]>): string =>
  email === null || email === name ? name : `${name} <${email}>`;

/** What happened to the change, as the audit log has it. */
function Story({ change }: { change: ChangeDetail }) {
  const { t, i18n } = useLingui();
  return (
    <Panel title={t`Timeline`}>
      <Timeline
        items={change.timeline.map((entry, index) => {
          const { label, icon, tone } = stepLook(entry);
          return {
            key: `${entry.at} ${entry.type} ${index}`,
            at: entry.at,
            icon,
            tone,
            title: label === null ? entry.type : i18n._(label),
            detail: (
              <>
                <p>{entry.actor}</p>
                {entry.reason === null ? null : <q>{entry.reason}</q>}
                {entry.commit === null ? null : (
                  <p>
                    <Commit sha={entry.commit} />
                  </p>
                )}
              </>
            ),
          };
        })}
      />
    </Panel>
  );
}
