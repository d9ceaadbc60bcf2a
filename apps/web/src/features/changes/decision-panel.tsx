import type { ApprovalTally } from "@ciclo/contract";
import { plural } from "@lingui/core/macro";
import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Check, X } from "lucide-react";
import { call } from "../../api.ts";
import { useDraft } from "../../draft.ts";
import { Button } from "../../ui/button.tsx";
import { Copy } from "../../ui/code.tsx";
import { TextArea } from "../../ui/field.tsx";
import { Note, Problem } from "../../ui/states.tsx";
import { Time } from "../../ui/time.tsx";
import { useToast } from "../../ui/toast.tsx";
import { useBlocked, useSession } from "../session/session.tsx";
import { inboxQuery } from "./queries.ts";
import { Votes } from "./votes.tsx";

type Decision = "approve" | "reject";

/**
 * Approve or reject, in place: who must still vote, until when, and why somebody may not.
 * Once it is decided, here or elsewhere, a reason that was not sent can still be copied.
 */
export function DecisionPanel({
  planId,
  approvalId,
  approvals,
  isPending,
}: {
  planId: string;
  approvalId: string;
  approvals: ApprovalTally;
  isPending: boolean;
}) {
  const { t } = useLingui();
  const client = useQueryClient();
  const toast = useToast();
  const { user } = useSession();
  const [reason, setReason] = useDraft(`reason.${user.id}.${planId}`);
  const blocked = useVoteBlocked(planId);
  const decide = useMutation({
    mutationFn: (decision: Decision) =>
      call("apply", {
        body: {
          approval_id: approvalId,
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
  if (!isPending && !decide.isPending)
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
      <Votes approvals={approvals} />
      <TextArea
        label={t`Reason`}
        hint={t`Kept in the audit log. Say it when you reject: the author reads it.`}
        value={reason}
        maxLength={4000}
        rows={2}
        onChange={(event) => setReason(event.target.value)}
      />
      {decide.isError ? <Problem error={decide.error} /> : null}
      {blocked === null ? null : <Note>{blocked}</Note>}
      <Buttons
        blocked={blocked}
        deciding={decide.isPending ? decide.variables : null}
        onDecide={(decision) => decide.mutate(decision)}
      />
    </section>
  );
}

function Buttons({
  blocked,
  deciding,
  onDecide,
}: {
  blocked: string | null;
  deciding: Decision | null;
  onDecide(decision: Decision): void;
}) {
  const { t } = useLingui();
  return (
    <div className="flex flex-wrap gap-2">
      <Button
        look="primary"
        blocked={blocked}
        busy={deciding !== null}
        icon={<Check size={16} aria-hidden />}
        onClick={() => onDecide("approve")}
      >
        {t`Approve`}
      </Button>
      <Button
        look="danger"
        blocked={blocked}
        busy={deciding !== null}
        icon={<X size={16} aria-hidden />}
        onClick={() => onDecide("reject")}
      >
        {t`Reject`}
      </Button>
    </div>
  );
}

/** Why the person may not vote on a plan's change; null when they may. */
function useVoteBlocked(planId: string): string | null {
  const blocked = useBlocked()("decide");
  const { data } = useQuery(inboxQuery);
  const item = data?.items.find((each) => each.plan_id === planId);
  return blocked ?? item?.blocked_reason ?? null;
}

function Unsent({ reason, error, onDrop }: { reason: string; error: unknown; onDrop(): void }) {
  const { t } = useLingui();
  if (reason.trim() === "" && error === null) return null;
  return (
    <div className="flex flex-col gap-3">
      {error === null ? null : <Problem error={error} />}
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
