import { type CycleDetail, type CycleStage, cycleStages } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../api.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { SelectField, TextArea } from "../../ui/field.tsx";
import { Problem } from "../../ui/states.tsx";
import { useSession } from "../session/session.tsx";
import { stageLabels } from "./labels.tsx";

type Action = "pause" | "resume" | "cancel" | "rollback";

/** What may be done with a cycle as it is. */
function actionsOf({ state, waits_for: wait }: CycleDetail): Action[] {
  if (state === "running") return ["pause", "cancel"];
  if (state === "completed") return ["rollback"];
  if (state === "rolling_back") return ["cancel"];
  if (state === "waiting")
    return wait === "help" || wait === "forge" || wait === "partial"
      ? ["resume", "cancel"]
      : ["pause", "cancel"];
  if (state === "paused" || state === "capped") return ["resume", "cancel"];
  return state === "failed" ? ["resume"] : [];
}

/** Halt, resume or end a cycle: whoever asked for it, or an approver. What it merged is taken back by those who approve. */
export function Actions({ cycle }: { cycle: CycleDetail }) {
  const { t } = useLingui();
  const { user, permissions } = useSession();
  const [asked, setAsked] = useState<Action | null>(null);
  const { name } = cycle.requested_by;
  const isAllowed = user.id === cycle.requested_by.id || permissions.includes("decide");
  const blocked = isAllowed ? null : t`Only ${name} or an approver may do that`;
  const labels: Record<Action, string> = {
    pause: t`Halt…`,
    resume: t`Resume…`,
    cancel: t`End…`,
    rollback: t`Roll back…`,
  };
  const standing = cycle.rollback_standing;
  return (
    <>
      {actionsOf(cycle).map((action) => (
        <Button
          key={action}
          look={isGrave(action) ? "danger" : action === "resume" ? "primary" : "plain"}
          blocked={action === "rollback" ? (standing?.why_not ?? null) : blocked}
          onClick={() => setAsked(action)}
        >
          {labels[action]}
        </Button>
      ))}
      {asked === null ? null : <Ask cycle={cycle} action={asked} onClose={() => setAsked(null)} />}
    </>
  );
}

const isGrave = (action: Action): boolean => action === "cancel" || action === "rollback";

function Ask({ cycle, action, onClose }: { cycle: CycleDetail; action: Action; onClose(): void }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const { i18n } = useLingui();
  const [said, setSaid] = useState("");
  const [from, setFrom] = useState<CycleStage>(cycle.stage);
  const params = { id: cycle.id };
  const words = said.trim();
  const reason = words === "" ? {} : { reason: words };
  const act = useMutation({
    mutationFn: () =>
      action === "resume"
        ? call("resumeCycle", {
            params,
            body: {
              ...(from === cycle.stage ? {} : { from }),
              ...(words === "" ? {} : { comment: words }),
            },
          })
        : call(operations[action], { params, body: reason }),
    async onSuccess() {
      onClose();
      await client.invalidateQueries();
    },
  });
  const { title, does, button } = useWords(action, cycle);
  return (
    <Dialog
      open
      insistent={act.isPending}
      onOpenChange={(open) => open || onClose()}
      title={title}
      description={does}
      actions={
        <>
          <Button busy={act.isPending} onClick={onClose}>{t`Cancel`}</Button>
          <Button
            look={isGrave(action) ? "danger" : "primary"}
            busy={act.isPending}
            onClick={() => act.mutate()}
          >
            {button}
          </Button>
        </>
      }
    >
      {action === "resume" ? (
        <SelectField
          label={t`From`}
          hint={t`What was decided about that stage, and those behind it, is decided anew.`}
          value={from}
          onChange={({ target }) => setFrom(cycleStages.find((one) => one === target.value) ?? cycle.stage)}
          options={cycleStages
            .slice(0, cycleStages.indexOf(cycle.stage) + 1)
            .map((value) => ({ value, label: i18n._(stageLabels[value]) }))}
        />
      ) : null}
      <TextArea
        label={action === "resume" ? t`Comment (optional)` : t`Reason (optional)`}
        value={said}
        maxLength={2000}
        onChange={({ target }) => setSaid(target.value)}
      />
      {act.isError ? <Problem error={act.error} /> : null}
    </Dialog>
  );
}

const operations = { pause: "pauseCycle", cancel: "cancelCycle", rollback: "rollbackCycle" } as const;

function useWords(
  action: Action,
  { state, base_branch: branch, pull_request: pull, rollback_standing: standing }: CycleDetail,
): { title: string; does: string; button: string } {
  const { t } = useLingui();
  const [given, required] = [standing?.given ?? 0, standing?.required ?? 1];
  const votes = required > 1 ? ` ${t`Approvers who have asked so far: ${given} of ${required}.`}` : "";
  switch (action) {
    case "rollback":
      return {
        title: t`Take back what this cycle merged?`,
        does:
          (pull === null
            ? t`A commit that undoes its change goes to ${branch}, on top of what came later.`
            : t`A pull request that undoes its change is opened and merged into ${branch}, on top of what came later.`) +
          votes,
        button: t`Take it back`,
      };
    case "pause":
      return {
        title: t`Halt this cycle?`,
        does: t`What runs of it ends at once. Its stage begins again when it is resumed.`,
        button: t`Halt it`,
      };
    case "resume":
      return {
        title: t`Resume this cycle?`,
        does: t`Its stage begins again. The phase reads your comment.`,
        button: t`Resume it`,
      };
    case "cancel":
      if (state === "rolling_back")
        return {
          title: t`Call the rollback off?`,
          does: t`What this cycle merged stays merged.`,
          button: t`Call it off`,
        };
      return {
        title: t`End this cycle?`,
        does: t`What runs of it ends at once, and it cannot be resumed. What it came to stays here to read; the repository stays as it is.`,
        button: t`End it`,
      };
  }
}
