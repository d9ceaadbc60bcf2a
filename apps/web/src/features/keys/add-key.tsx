import { ProblemError } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../api.ts";
import { codeOf } from "../../problems.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { SecretField, TextField } from "../../ui/field.tsx";
import { Problem } from "../../ui/states.tsx";
import { useToast } from "../../ui/toast.tsx";
import { endOfDay } from "./days.ts";

const formId = "add-key";
const example = { provider: "hub", name: "TOKEN" };
const empty = { provider: "", name: "", value: "", expires: "" };

export function AddKey({ onClose }: { onClose(): void }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const toast = useToast();
  const [form, setForm] = useState(empty);
  const add = useMutation({
    mutationFn: () => call("addKey", { body: newKey(form) }),
    // The request holds a credential: nothing of it is kept.
    gcTime: 0,
    async onSuccess({ reference }) {
      toast(t`Stored`, reference);
      onClose();
      await client.invalidateQueries();
    },
  });
  return (
    <Dialog
      open
      insistent={form !== empty}
      onOpenChange={(open) => open || onClose()}
      title={t`Add a key`}
      description={t`The value is encrypted and never shown again, to anybody.`}
      actions={
        <>
          <Button onClick={onClose}>{t`Cancel`}</Button>
          <Button look="primary" type="submit" form={formId} busy={add.isPending}>
            {t`Store it`}
          </Button>
        </>
      }
    >
      <form
        id={formId}
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          add.mutate();
        }}
      >
        <Fields form={form} error={add.error} onChange={(change) => setForm({ ...form, ...change })} />
        {add.isError && codeOf(add.error) !== "invalid_payload" ? <Problem error={add.error} /> : null}
      </form>
    </Dialog>
  );
}

type Form = typeof empty;

const newKey = ({ provider, name, value, expires }: Form) => ({
  provider: provider.trim(),
  name: name.trim(),
  value,
  ...(expires === "" ? {} : { expires_at: endOfDay(expires) }),
});

function Fields({
  form,
  error,
  onChange,
}: {
  form: Form;
  error: unknown;
  onChange(change: Partial<Form>): void;
}) {
  const { t } = useLingui();
  const errors = error instanceof ProblemError ? (error.problem.errors ?? []) : [];
  const field = (name: keyof Form, path: string = name) => ({
    value: form[name],
    problem: errors.find((each) => each.path === path)?.message,
    onChange: (event: { target: { value: string } }) => onChange({ [name]: event.target.value }),
  });
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField
          label={t`Provider`}
          placeholder={example.provider}
          spellCheck={false}
          {...field("provider")}
        />
        <TextField label={t`Key name`} placeholder={example.name} spellCheck={false} {...field("name")} />
      </div>
      <SecretField label={t`Value`} {...field("value")} />
      <TextField
        label={t`Ends at the end of`}
        type="date"
        hint={t`Optional. You are warned before`}
        {...field("expires", "expires_at")}
      />
    </>
  );
}
