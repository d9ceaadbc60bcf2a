import type { Plan } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CircleCheck } from "lucide-react";
import { call } from "../../api.ts";
import { codeOf } from "../../problems.ts";
import { Button } from "../../ui/button.tsx";
import { Code } from "../../ui/code.tsx";
import { Problem } from "../../ui/states.tsx";
import { useToast } from "../../ui/toast.tsx";
import { useBlocked, useSession } from "../session/session.tsx";

/** Applies a plan: tried without writing first, submitted when that went well. */
export function ApplyPlan({
  plan,
  patch,
  threadId,
  onPlanAgain,
  isPlanning,
}: {
  plan: Plan;
  patch: string;
  threadId: string | null;
  onPlanAgain(): void;
  isPlanning: boolean;
}) {
  const { t } = useLingui();
  const client = useQueryClient();
  const toast = useToast();
  const { user } = useSession();
  const blocked = useBlocked()("submit");
  const submission = { plan, patch, actor: user.name, actor_email: user.email };
  const dryRun = useMutation({
    mutationFn: () => call("apply", { body: { ...submission, mode: "dry_run" } }),
  });
  const submit = useMutation({
    mutationFn: () =>
      call("apply", {
        body: { ...submission, ...(threadId === null ? {} : { threadId }) },
        // One plan is one submission, however often a broken connection makes us ask.
        headers: { "idempotency-key": `submit ${plan.id}` },
      }),
    async onSuccess(result) {
      toast(t`Submitted`, result.message);
      await client.invalidateQueries();
    },
  });
  const error = submit.error ?? dryRun.error;
  const isOvertaken = overtaken.has(codeOf(error) ?? "");
  return (
    <div className="flex flex-col gap-3">
      {error === null ? null : <Refused error={error} onPlanAgain={onPlanAgain} isPlanning={isPlanning} />}
      {dryRun.isSuccess && !isOvertaken ? <Passed stat={dryRun.data.diff.stat} /> : null}
      <div className="flex flex-wrap items-center gap-3">
        {isOvertaken ? null : dryRun.isSuccess ? (
          <Button look="primary" blocked={blocked} busy={submit.isPending} onClick={() => submit.mutate()}>
            {t`Submit for approval`}
          </Button>
        ) : (
          <Button look="primary" blocked={blocked} busy={dryRun.isPending} onClick={() => dryRun.mutate()}>
            {t`Apply…`}
          </Button>
        )}
        <span className="text-muted">
          {isOvertaken
            ? null
            : (blocked ??
              (dryRun.isSuccess
                ? t`Makes a commit on its own branch. It goes live when it is approved.`
                : t`Tries it first without writing anything.`))}
        </span>
      </div>
    </div>
  );
}

/** What a new plan of the same request would get past. */
const overtaken = new Set(["stale_plan", "branch_exists", "already_applied"]);

function Refused({
  error,
  onPlanAgain,
  isPlanning,
}: {
  error: unknown;
  onPlanAgain(): void;
  isPlanning: boolean;
}) {
  const { t } = useLingui();
  const again = (
    <Button small look="primary" busy={isPlanning} onClick={onPlanAgain}>
      {t`Plan it again`}
    </Button>
  );
  return <Problem error={error} action={overtaken.has(codeOf(error) ?? "") ? again : undefined} />;
}

function Passed({ stat }: { stat: string }) {
  const { t } = useLingui();
  return (
    <div className="flex flex-col gap-2">
      <p className="flex items-start gap-2 font-medium text-ok" role="status">
        <CircleCheck size={18} className="mt-0.5 shrink-0" aria-hidden />
        {t`The dry run passed: the patch applies, every file fits its schema, and nothing was written.`}
      </p>
      <Code label={t`What would change`} copy={false}>
        {stat}
      </Code>
    </div>
  );
}
