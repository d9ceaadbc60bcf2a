import type { ChangeDetail } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { Button, ButtonLink } from "../../ui/button.tsx";
import { Commit, Mono } from "../../ui/code.tsx";
import { Facts } from "../../ui/page.tsx";
import { DecisionPanel } from "../changes/decision-panel.tsx";
import { ChangeBadge } from "../changes/labels.tsx";
import { Votes } from "../changes/votes.tsx";

/** What became of a plan: branch, commit, pull request, and the approval in place. */
export function SubmittedChange({
  change,
  onPlanAgain,
  isPlanning,
}: {
  change: ChangeDetail;
  onPlanAgain(): void;
  isPlanning: boolean;
}) {
  const { t } = useLingui();
  const { pull_request: pullRequest } = change;
  const isOvertaken = change.outcome === "stale" || change.outcome === "expired";
  return (
    <>
      <p className="flex flex-wrap items-center gap-x-3 gap-y-1" role="status">
        <ChangeBadge {...change} />
        <span>{change.message}</span>
      </p>
      <Facts
        items={[
          [t`Branch`, <Mono key="branch">{change.branch}</Mono>],
          [t`Base`, <Mono key="base">{change.base_branch}</Mono>],
          change.commit_sha === null ? null : [t`Commit`, <Commit key="commit" sha={change.commit_sha} />],
          pullRequest === null
            ? null
            : [
                t`Pull request`,
                <a key="pr" href={pullRequest.url} target="_blank" rel="noreferrer">
                  {`#${pullRequest.number}`}
                </a>,
              ],
        ]}
      />
      {change.status !== "hitl_required" && change.approvals.decisions.length > 0 ? (
        <Votes approvals={change.approvals} />
      ) : null}
      {change.approval_id === null ? null : <DecisionPanel change={change} />}
      <div className="flex flex-wrap gap-2">
        <ButtonLink to="/changes/$planId" params={{ planId: change.plan_id }}>
          {t`Open the change`}
        </ButtonLink>
        {isOvertaken ? (
          <Button look="primary" busy={isPlanning} onClick={onPlanAgain}>
            {t`Plan it again`}
          </Button>
        ) : null}
      </div>
    </>
  );
}
