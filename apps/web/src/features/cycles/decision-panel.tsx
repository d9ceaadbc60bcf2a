import { type CycleDetail, saysWhy } from "@ciclo/contract";
import { plural } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Check, Undo2, X } from "lucide-react";
import { call } from "../../api.ts";
import { useDraft } from "../../draft.ts";
import { codeOf } from "../../problems.ts";
import { Button } from "../../ui/button.tsx";
import { TextArea } from "../../ui/field.tsx";
import { Note, Problem } from "../../ui/states.tsx";
import { useToast } from "../../ui/toast.tsx";
import { useBlocked, useSession } from "../session/session.tsx";
import { checkpointTitles } from "./labels.tsx";

type Decision = "approve" | "reject" | "send_back";

/** The question of a checkpoint, and its answers. What is decided on is what is shown. */
export function DecisionPanel({ cycle }: { cycle: CycleDetail }) {
  const { t, i18n } = useLingui();
  const { user } = useSession();
  const client = useQueryClient();
  const toast = useToast();
  const [comment, setComment] = useDraft(`cycle.comment.${user.id}.${cycle.id}`);
  const blocked = useBlocked()("decide");
  const { checkpoint } = cycle;
  const decide = useMutation({
    mutationFn({ decision, subject }: { decision: Decision; subject: string }) {
      const said = comment.trim();
      return call("decideCycle", {
        params: { id: cycle.id },
        body:
          decision === "send_back"
            ? { decision, subject, comment: said }
            : { decision, subject, ...(said === "" ? {} : { comment: said }) },
      });
    },
    onSuccess() {
      setComment("");
      toast(t`Decided`);
    },
    onSettled: () => client.invalidateQueries(),
  });
  if (checkpoint === null) {
    // Decided already, by a second click or by somebody else: what follows from it is shown anyway.
    const isOver = ["already_decided", "stale_plan"].includes(codeOf(decide.error) ?? "");
    return decide.isError && !isOver ? <Problem error={decide.error} /> : null;
  }
  const left = Math.max(0, checkpoint.required - checkpoint.given);
  const refusal = blocked ?? (checkpoint.may_decide ? null : checkpoint.why_not);
  const needsWords = saysWhy(comment) ? null : t`Say why first`;
  const mayReturn = blocked === null && (checkpoint.may_decide || user.id === cycle.requested_by.id);
  return (
    <section
      aria-label={t`Decision`}
      className="flex flex-col gap-3 rounded-xl border-2 border-accent bg-surface p-4"
    >
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <h2>{i18n._(checkpointTitles[checkpoint.checkpoint])}</h2>
        <p className="text-muted">
          {t`${plural(left, { one: "Waits for # approval", other: "Waits for # approvals" })}`}
        </p>
      </div>
      <TextArea
        label={t`Comment`}
        hint={t`To send it back or reject it, say why: the phase that runs again reads it.`}
        value={comment}
        maxLength={20_000}
        rows={2}
        onChange={({ target }) => setComment(target.value)}
      />
      {decide.isError ? <Problem error={decide.error} /> : null}
      {refusal === null ? null : <Note>{refusal}</Note>}
      <Buttons
        approve={refusal}
        others={mayReturn ? needsWords : refusal}
        busy={decide.isPending}
        onDecide={(decision) => decide.mutate({ decision, subject: checkpoint.subject })}
      />
    </section>
  );
}

function Buttons({
  approve,
  others,
  busy,
  onDecide,
}: {
  /** Why one may not do that; null where one may. */
  approve: string | null;
  others: string | null;
  busy: boolean;
  onDecide(decision: Decision): void;
}) {
  const { t } = useLingui();
  return (
    <div className="flex flex-wrap gap-2">
      <Button
        look="primary"
        blocked={approve}
        busy={busy}
        icon={<Check size={16} aria-hidden />}
        onClick={() => onDecide("approve")}
      >
        {t`Approve`}
      </Button>
      <Button
        blocked={others}
        busy={busy}
        icon={<Undo2 size={16} aria-hidden />}
        onClick={() => onDecide("send_back")}
      >
        {t`Send back`}
      </Button>
      <Button
        look="danger"
        blocked={others}
        busy={busy}
        icon={<X size={16} aria-hidden />}
        onClick={() => onDecide("reject")}
      >
        {t`Reject`}
      </Button>
    </div>
  );
}
