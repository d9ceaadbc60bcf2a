import { type NewUser, type ProvisionedUser, ProblemError } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../api.ts";
import { codeOf } from "../../problems.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { TextField } from "../../ui/field.tsx";
import { Problem } from "../../ui/states.tsx";
import { RoleChoice } from "./role-choice.tsx";
import { TokenOnce } from "./token-once.tsx";

const formId = "add-user";
/** What is typed; empty token and expiry mean none. */
type Form = Required<Pick<NewUser, "name" | "email" | "roles" | "token">> & { expires: string };
const empty: Form = { name: "", email: "", roles: ["viewer"], token: "", expires: "" };

/** Creates a user, and shows the token that was made or taken. */
export function AddUser({ onClose }: { onClose(): void }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const [form, setForm] = useState(empty);
  const [created, setCreated] = useState<ProvisionedUser | null>(null);
  const add = useMutation({
    mutationFn: () => call("createUser", { body: newUser(form) }),
    // The answer holds the token: it is gone with the dialog.
    gcTime: 0,
    async onSuccess(user) {
      setCreated(user);
      await client.invalidateQueries();
    },
  });
  if (created !== null) return <TokenOnce user={created} onClose={onClose} />;
  return (
    <Dialog
      open
      // What is typed goes by Cancel only, not by a slip.
      insistent={form !== empty}
      onOpenChange={(open) => open || onClose()}
      title={t`Add a user`}
      actions={
        <>
          <Button busy={add.isPending} onClick={onClose}>{t`Cancel`}</Button>
          <Button look="primary" type="submit" form={formId} busy={add.isPending}>
            {t`Add`}
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

const newUser = ({ name, email, roles, token, expires }: Form): NewUser => ({
  name,
  email,
  roles,
  ...(token.trim() === "" ? {} : { token: token.trim() }),
  ...(expires === "" ? {} : { token_expires_at: endOf(expires) }),
});

/** The end of a day in the browser's zone, as an instant. */
const endOf = (day: string): string => new Date(`${day}T23:59:59`).toISOString();

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
  const field = (name: "name" | "email" | "token" | "expires", path: string = name) => ({
    value: form[name],
    problem: errors.find((each) => each.path === path)?.message,
    onChange: (event: { target: { value: string } }) => onChange({ [name]: event.target.value }),
  });
  return (
    <>
      <TextField label={t`Name`} {...field("name")} />
      <TextField label={t`E-mail`} type="email" {...field("email")} />
      <RoleChoice chosen={form.roles} onChange={(roles) => onChange({ roles: [...roles] })} />
      <details>
        <summary className="cursor-pointer text-muted">{t`Own token and expiry`}</summary>
        <div className="mt-3 flex flex-col gap-4">
          <TextField
            label={t`Token made elsewhere`}
            type="password"
            autoComplete="off"
            spellCheck={false}
            {...field("token")}
            hint={t`Leave it empty to have one made. Otherwise at least 32 characters: openssl rand -hex 32`}
          />
          <TextField
            label={t`The token expires at the end of`}
            type="date"
            {...field("expires", "token_expires_at")}
          />
        </div>
      </details>
    </>
  );
}
