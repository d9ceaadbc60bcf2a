import type { ChangeDetail, Plan, Preview } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Suspense, useState } from "react";
import { Badge } from "../../ui/badge.tsx";
import { Code, Copy, Mono } from "../../ui/code.tsx";
import { Facts } from "../../ui/page.tsx";
import { Problem, Skeleton } from "../../ui/states.tsx";
import { Tabs } from "../../ui/tabs.tsx";
import { ChangeBadge, impactLooks } from "../changes/labels.tsx";
import { Risks, Steps } from "../changes/plan-details.tsx";
import { changeQuery } from "../changes/queries.ts";
import { ApplyPlan } from "./apply-plan.tsx";
import { SubmittedChange } from "./submitted-change.tsx";
import { lazily } from "../../ui/lazily.ts";

const DiffView = lazily(async () => (await import("../../ui/diff.tsx")).DiffView);

/** A plan: what it does, what could go wrong, its exact diff; and what became of it. */
export function PlanCard({
  plan,
  patch,
  preview,
  threadId,
  onPlanAgain,
  isPlanning,
}: {
  plan: Plan;
  patch: string;
  preview: Preview | null;
  threadId: string | null;
  onPlanAgain(): void;
  isPlanning: boolean;
}) {
  const { t } = useLingui();
  const [tab, setTab] = useState("diff");
  const change = useQuery(changeQuery(plan.id));
  return (
    <article aria-live="off" aria-label={plan.summary} className="rounded-xl border border-line bg-surface">
      <Header plan={plan} change={change.data ?? null} />
      <div className="p-4 pt-1">
        <Tabs
          label={t`Plan`}
          value={tab}
          onChange={setTab}
          tabs={[
            {
              id: "diff",
              label: t`Files`,
              count: plan.diffs.length,
              content: (
                <Suspense fallback={<Skeleton rows={2} height={100} />}>
                  <DiffView patch={patch} />
                </Suspense>
              ),
            },
            { id: "steps", label: t`Steps`, count: plan.steps.length, content: <Steps plan={plan} /> },
            { id: "risks", label: t`Risks`, count: plan.risks.length, content: <Risks plan={plan} /> },
            { id: "preview", label: t`Preview`, content: <PreviewOf plan={plan} preview={preview} /> },
          ]}
        />
      </div>
      <footer className="flex flex-col gap-4 border-t border-line p-4">
        {change.isPending ? <Skeleton rows={1} height={36} /> : null}
        {change.isError ? <Problem error={change.error} onRetry={() => void change.refetch()} /> : null}
        {change.data === null ? (
          <ApplyPlan
            plan={plan}
            patch={patch}
            threadId={threadId}
            onPlanAgain={onPlanAgain}
            isPlanning={isPlanning}
          />
        ) : null}
        {change.data === undefined || change.data === null ? null : (
          <SubmittedChange change={change.data} onPlanAgain={onPlanAgain} isPlanning={isPlanning} />
        )}
      </footer>
    </article>
  );
}

function Header({ plan, change }: { plan: Plan; change: ChangeDetail | null }) {
  const { t, i18n } = useLingui();
  const worst = (["high", "medium", "low"] as const).find((impact) =>
    plan.risks.some((risk) => risk.impact === impact),
  );
  return (
    <header className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-3">
      <h2 className="min-w-0 grow basis-60 wrap-anywhere">{plan.summary}</h2>
      {worst === undefined ? null : (
        <Badge tone={impactLooks[worst].tone} icon={impactLooks[worst].icon}>
          {t`Risk: ${i18n._(impactLooks[worst].label)}`}
        </Badge>
      )}
      {change === null ? null : <ChangeBadge {...change} />}
      <span className="flex w-full items-center gap-0.5 text-muted">
        <Mono>{plan.id}</Mono>
        <Copy value={plan.id} label={t`Copy plan id`} icon />
      </span>
    </header>
  );
}

function PreviewOf({ plan, preview }: { plan: Plan; preview: Preview | null }) {
  const { t } = useLingui();
  if (preview === null) return null;
  const { pull_request: pullRequest } = preview;
  return (
    <div className="flex flex-col gap-4">
      <Facts
        items={[
          [t`Branch`, <Mono key="branch">{preview.branch}</Mono>],
          [t`Onto`, <Mono key="base">{`${preview.base_branch} @ ${plan.base_commit.slice(0, 8)}`}</Mono>],
          [t`Approval`, plan.approval_rules.join("; ") || t`none needed`],
          pullRequest === null ? null : [t`Pull request`, pullRequest.title],
        ]}
      />
      <Code label={t`Commit message`}>{preview.commit_message}</Code>
      {pullRequest === null ? null : <Code label={t`Pull request text`}>{pullRequest.body}</Code>}
    </div>
  );
}
