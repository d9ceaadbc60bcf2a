import { type PauseDecision, ProblemError, type RunPause } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../api.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { TextArea, TextField } from "../../ui/field.tsx";
import { Problem } from "../../ui/states.tsx";
import { useToast } from "../../ui/toast.tsx";
import { type Decision, useAmount } from "./pause-words.ts";

type Words = { title: string; does: string; told: string; action: string };

function useWords({ run, ...pause }: RunPause, decision: Decision): Words {
  const { t } = useLingui();
  const { name } = pause.user;
  switch (decision) {
    case "raise":
      return {
        title: t`Let ${run} spend more?`,
        does: t`The budget stays as it is: this run alone may go beyond it, for seven days. Its last call may cost more than is left.`,
        told: t`${run} may spend more`,
        action: t`Let it spend more`,
      };
    case "reroute":
      return {
        title: t`Send ${run} to another model?`,
        does: t`Its calls ask this model of the same provider. Access policy and the budgets of that model hold.`,
        told: t`${run} asks another model`,
        action: t`Send it there`,
      };
    case "stop":
      return {
        title: t`Stop ${run}?`,
        does: t`Its tokens end at once, and answers that stream are cut off. What runs as ${name} by other tokens goes on.`,
        told: t`${run} is stopped`,
        action: t`Stop it`,
      };
  }
}

/** Decides on a paused run. The decision stands in the audit log. */
export function DecidePause({
  pause,
  decision,
  onClose,
}: {
  pause: RunPause;
  decision: Decision;
  onClose(): void;
}) {
  const { t } = useLingui();
  const client = useQueryClient();
  const toast = useToast();
  const words = useWords(pause, decision);
  const [said, setSaid] = useState({ amount: "", model: "", note: "" });
  const decide = useMutation({
    mutationFn: () =>
      call("decideRunPause", {
        params: { id: pause.id },
        body: { ...bodyOf(decision, said), seen: pause.decided_at },
      }),
    async onSuccess() {
      toast(words.told);
      onClose();
      await client.invalidateQueries();
    },
  });
  const errors = decide.error instanceof ProblemError ? (decide.error.problem.errors ?? []) : [];
  const amount = useAmount(pause);
  const [spent, of] = [amount(pause.spent), amount(pause.of)];
  const isComplete =
    decision === "stop" || (decision === "raise" ? Number(said.amount) > 0 : said.model.trim() !== "");
  return (
    <Dialog
      open
      insistent={decide.isPending}
      onOpenChange={(open) => open || onClose()}
      title={words.title}
      description={words.does}
      actions={
        <>
          <Button busy={decide.isPending} onClick={onClose}>{t`Cancel`}</Button>
          <Button
            look={decision === "stop" ? "danger" : "primary"}
            busy={decide.isPending}
            blocked={isComplete ? null : t`Fill in all fields first`}
            onClick={() => decide.mutate()}
          >
            {words.action}
          </Button>
        </>
      }
    >
      <p>{t`${spent} of ${of} are spent`}</p>
      <Fields pause={pause} decision={decision} said={said} onSay={setSaid} errors={errors} />
      {decide.isError ? <Problem error={decide.error} /> : null}
    </Dialog>
  );
}

type Said = { amount: string; model: string; note: string };

function Fields({
  pause,
  decision,
  said,
  onSay,
  errors,
}: {
  pause: RunPause;
  decision: Decision;
  said: Said;
  onSay(said: Said): void;
  errors: readonly { path: string; message: string }[];
}) {
  const { t } = useLingui();
  const set = (name: keyof Said) => (event: { target: { value: string } }) =>
    onSay({ ...said, [name]: event.target.value });
  const problemOf = (name: string): string | undefined => errors.find(({ path }) => path === name)?.message;
  return (
    <>
      {decision === "reroute" ? (
        <TextField
          label={t`Model`}
          value={said.model}
          onChange={set("model")}
          spellCheck={false}
          problem={problemOf("model")}
        />
      ) : null}
      {decision === "stop" ? null : (
        <TextField
          label={pause.unit === "usd" ? t`More, in US dollars` : t`More, in tokens`}
          hint={decision === "reroute" ? t`Where this budget counts the calls of that model too` : undefined}
          type="number"
          min={0}
          step="any"
          value={said.amount}
          onChange={set("amount")}
          problem={problemOf("amount")}
        />
      )}
      <TextArea
        label={t`Reason`}
        hint={t`Kept in the audit log.`}
        value={said.note}
        maxLength={500}
        rows={2}
        onChange={set("note")}
      />
    </>
  );
}

function bodyOf(decision: Decision, said: Said): PauseDecision {
  const note = said.note.trim() === "" ? {} : { note: said.note };
  const amount = said.amount === "" ? {} : { amount: Number(said.amount) };
  switch (decision) {
    case "raise":
      return { decision, amount: Number(said.amount), ...note };
    case "reroute":
      return { decision, model: said.model.trim(), ...amount, ...note };
    case "stop":
      return { decision, ...note };
  }
}
