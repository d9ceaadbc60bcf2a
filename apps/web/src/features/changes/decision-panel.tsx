import { type ChangeDetail, saysWhy } from "@ciclo/contract";
import { plural } from "@lingui/core/macro";
import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Check, X } from "lucide-react";
import { call } from "../../api.ts";
import { useDraft } from "../../draft.ts";
import { codeOf, describeProblem } from "../../problems.ts";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Copy } from "../../ui/code.tsx";
import { TextArea } from "../../ui/field.tsx";
import { Note, Problem } from "../../ui/states.tsx";
import { Time } from "../../ui/time.tsx";
import { useToast } from "../../ui/toast.tsx";
import { useBlocked, useSession } from "../session/session.tsx";
import { impactLooks } from "./labels.tsx";
import { inboxQuery } from "./queries.ts";
import { Votes } from "./votes.tsx";

type Decision = "approve" | "reject";

/**
 * Approve or reject, in place: what could go wrong, who must still vote, until when, and why somebody
 * may not. Once it is decided, here or elsewhere, a reason that was not sent can still be copied.
 */
export function DecisionPanel({ change }: { change: ChangeDetail }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const toast = useToast();
  const { user } = useSession();
  const { plan_id: planId, approvals } = change;
  const [reason, setReason] = useDraft(`reason.${user.id}.${planId}`);
  const blocked = useVoteBlocked(change, reason);
  const decide = useMutation({
    mutationFn: (decision: Decision) =>
      call("apply", {
        body: {
          approval_id: change.approval_id ?? "",
          approval_decision: decision,
          ...(reason.trim() === "" ? {} : { approval_reason: reason.trim() }),
        },
      }),
    onSuccess(result) {
      setReason("");
      toast(result.message);
    },
    onSettled: () => client.invalidateQueries(),
  });
  // While the vote is under way its effect may be heard of before its answer.
  if (change.status !== "hitl_required" && !decide.isPending)
    return <Unsent reason={reason} error={decide.error} onDrop={() => setReason("")} />;
  const left = Math.max(0, approvals.required - approvals.given);
  return (
    <section
      aria-label={t`Decision`}
      className="flex flex-col gap-3 rounded-xl border-2 border-accent bg-surface p-4"
    >
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <h2>{t`${plural(left, { one: "Waits for # approval", other: "Waits for # approvals" })}`}</h2>
        {approvals.expires_at === null ? null : (
          <p className="text-muted">
            <Trans>
              Expires <Time at={approvals.expires_at} />
            </Trans>
          </p>
        )}
      </div>
      <WorstRisks change={change} />
      <Votes approvals={approvals} />
      {blocked.reject === blocked.approve && blocked.approve !== null ? null : (
        <TextArea
          label={t`Reason`}
          hint={t`Kept in the audit log. A rejection needs one: the author reads it.`}
          value={reason}
          maxLength={4000}
          rows={2}
          onChange={(event) => setReason(event.target.value)}
        />
      )}
      {decide.isError ? <Problem error={decide.error} /> : null}
      {blocked.approve === null ? null : <Note>{blocked.approve}</Note>}
      <Buttons
        blocked={blocked}
        deciding={decide.isPending}
        onDecide={(decision) => decide.mutate(decision)}
      />
    </section>
  );
}

/** The risks that nobody should decide without having seen. */
function WorstRisks({ change: { plan } }: { change: ChangeDetail }) {
  const { i18n } = useLingui();
  const of = (wanted: string) => plan.risks.filter(({ impact }) => impact === wanted);
  // All of the high ones, however many there are.
  const risks = [...of("high"), ...of("medium").slice(0, Math.max(0, 5 - of("high").length))];
  if (risks.length === 0) return null;
  return (
    <ul className="flex flex-col gap-1">
      {risks.map(({ title, impact }) => (
        <li key={title} className="flex flex-wrap items-center gap-2">
          <Badge tone={impactLooks[impact].tone} icon={impactLooks[impact].icon}>
            {i18n._(impactLooks[impact].label)}
          </Badge>
          <span className="min-w-0 wrap-anywhere">{title}</span>
        </li>
      ))}
    </ul>
  );
}

type Blocked = Record<Decision, string | null>;

function Buttons({
  blocked,
  deciding,
  onDecide,
}: {
  blocked: Blocked;
  deciding: boolean;
  onDecide(decision: Decision): void;
}) {
  const { t } = useLingui();
  return (
    <div className="flex flex-wrap gap-2">
      <Button
        look="primary"
        blocked={blocked.approve}
        busy={deciding}
        icon={<Check size={16} aria-hidden />}
        onClick={() => onDecide("approve")}
      >
        {t`Approve`}
      </Button>
      <Button
        look="danger"
        blocked={blocked.reject}
        busy={deciding}
        icon={<X size={16} aria-hidden />}
        onClick={() => onDecide("reject")}
      >
        {t`Reject`}
      </Button>
    </div>
  );
}

/** Why the person may not approve or reject now; null when they may. */
function useVoteBlocked({ plan_id, base_branch, stale_paths }: ChangeDetail, reason: string): Blocked {
  const { t } = useLingui();
  const blocked = useBlocked()("decide");
  const { data } = useQuery(inboxQuery);
  const item = data?.items.find((each) => each.plan_id === plan_id);
  const refusal = blocked ?? item?.blocked_reason ?? null;
  const paths = stale_paths.join(", ");
  const stale =
    paths === ""
      ? null
      : t`${base_branch} has changed ${paths} since this was planned. It must be planned again.`;
  const needsReason = !saysWhy(reason) ? t`Say why first` : null;
  const mayReject = blocked === null && (item?.can_reject ?? true);
  return { approve: refusal ?? stale, reject: mayReject ? needsReason : refusal };
}

function Unsent({ reason, error, onDrop }: { reason: string; error: unknown; onDrop(): void }) {
  const { t } = useLingui();
  if (reason.trim() === "" && error === null) return null;
  const isLate = codeOf(error) === "already_decided";
  return (
    <div className="flex flex-col gap-3">
      {isLate ? <Note>{describeProblem(error, t).title}</Note> : null}
      {error === null || isLate ? null : <Problem error={error} />}
      {reason.trim() === "" ? null : (
        <Note tone="warn">
          <p>{t`This was decided before your reason was sent. It says:`}</p>
          <p className="my-1 whitespace-pre-wrap text-text">{reason}</p>
          <div className="flex flex-wrap gap-2">
            <Copy value={reason} />
            <Button small onClick={onDrop}>
              {t`Discard`}
            </Button>
          </div>
        </Note>
      )}
    </div>
  );
}
