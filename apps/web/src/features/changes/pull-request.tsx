import type { PullRequest } from "@ciclo/contract";
import { msg } from "@lingui/core/macro";
import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import type { ReactNode } from "react";
import { call } from "../../api.ts";
import { Badge, type icons, type Tone } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Panel } from "../../ui/page.tsx";
import { Note, Problem } from "../../ui/states.tsx";
import { Time } from "../../ui/time.tsx";
import { useBlocked } from "../session/session.tsx";

const states = { open: msg`Open`, closed: msg`Closed`, merged: msg`Merged` };

/** Check results as forges name them; what is not known is shown as it came. */
function checkLook(status: string): { tone: Tone; icon: keyof typeof icons } {
  if (/success|passed|neutral|skipped/i.test(status)) return { tone: "ok", icon: "done" };
  if (/fail|error|cancel|timed_out|action_required/i.test(status)) return { tone: "bad", icon: "failed" };
  return { tone: "warn", icon: "waiting" };
}

/** The pull request as the forge last described it. */
export function PullRequestPanel({ planId, pullRequest }: { planId: string; pullRequest: PullRequest }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const blocked = useBlocked()("decide");
  const refresh = useMutation({
    mutationFn: () => call("refreshPullRequest", { body: { plan_id: planId } }),
    onSettled: () => client.invalidateQueries(),
  });
  return (
    <Panel
      title={t`Pull request`}
      actions={
        <Button
          small
          blocked={blocked}
          busy={refresh.isPending}
          icon={<RotateCw size={14} aria-hidden />}
          onClick={() => refresh.mutate()}
        >
          {t`Read again`}
        </Button>
      }
    >
      <PullRequestState pullRequest={pullRequest}>
        {refresh.isError ? <Problem error={refresh.error} /> : null}
      </PullRequestState>
    </Panel>
  );
}

/** Where a pull request stands, with its checks and reviews. */
export function PullRequestState({
  pullRequest,
  children,
}: {
  pullRequest: PullRequest;
  children?: ReactNode;
}) {
  const { t, i18n } = useLingui();
  const { provider, number, url, state, checks, reviews, hidden, synced_at } = pullRequest;
  return (
    <div className="flex flex-col gap-3">
      <p className="flex flex-wrap items-center gap-2">
        <a href={url} target="_blank" rel="noreferrer">{`${provider === "github" ? "#" : "!"}${number}`}</a>
        <Badge tone={state === "merged" ? "ok" : state === "open" ? "accent" : "bad"}>
          {i18n._(states[state])}
        </Badge>
      </p>
      <ul className="flex flex-col gap-1.5">
        {checks.map(({ name, status, url: checkUrl }) => (
          <li key={name} className="flex flex-wrap items-center gap-2">
            <Badge {...checkLook(status)}>{status}</Badge>
            {checkUrl === null ? (
              <span className="wrap-anywhere">{name}</span>
            ) : (
              <a href={checkUrl} target="_blank" rel="noreferrer" className="wrap-anywhere">
                {name}
              </a>
            )}
          </li>
        ))}
        {reviews.map(({ author, state: review }) => (
          <li key={`${author} ${review}`} className="wrap-anywhere">
            {author} <span className="text-muted">{review}</span>
          </li>
        ))}
      </ul>
      {checks.length === 0 && !hidden.includes("checks") ? (
        <p className="text-muted">{t`No check has reported.`}</p>
      ) : null}
      {hidden.length === 0 ? null : (
        <Note tone="warn">{t`The console's token may not read at the forge: ${hidden.join(", ")}.`}</Note>
      )}
      <p className="text-muted">
        <Trans>
          As of <Time at={synced_at} />
        </Trans>
      </p>
      {children}
    </div>
  );
}
