import { type Onboarded, ProblemError } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../api.ts";
import { codeOf } from "../../problems.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { SelectField, TextArea, TextField } from "../../ui/field.tsx";
import { Note, Problem } from "../../ui/states.tsx";
import { PlanCard } from "../assistant/plan-card.tsx";
import { Handshake } from "./handshake.tsx";

const formId = "onboard-server";
const exampleAddress = "https://catalog.example.com/mcp";
type Form = {
  name: string;
  repository: string;
  reach: "endpoint" | "command";
  endpoint: string;
  command: string;
  args: string;
  authName: string;
  authValue: string;
  session: "shared" | "per_caller";
};
const empty: Form = {
  name: "",
  repository: "",
  reach: "endpoint",
  endpoint: "",
  command: "",
  args: "",
  authName: "",
  authValue: "",
  session: "shared",
};

/** From an address or a command to a plan: a handshake first, then what would be registered. */
export function OnboardDialog({ onClose }: { onClose(): void }) {
  const { t } = useLingui();
  const [form, setForm] = useState(empty);
  const ask = useMutation({
    mutationFn: (intent: "plan" | "validate") => call("onboard", { body: requestOf(form, intent) }),
    // The request holds a credential: nothing of it is kept.
    gcTime: 0,
  });
  const isPlanned = ask.data?.plan !== undefined;
  return (
    <Dialog
      open
      wide
      insistent={form !== empty && !isPlanned}
      onOpenChange={(open) => open || onClose()}
      title={t`Onboard an MCP server`}
      description={t`The console shakes hands with it now. Nothing is registered before somebody approves the plan.`}
      actions={
        isPlanned ? (
          <Button onClick={onClose}>{t`Close`}</Button>
        ) : (
          <>
            <Button onClick={onClose}>{t`Cancel`}</Button>
            <Button
              busy={ask.isPending && ask.variables === "validate"}
              onClick={() => ask.mutate("validate")}
            >
              {t`Only shake hands`}
            </Button>
            <Button
              look="primary"
              type="submit"
              form={formId}
              busy={ask.isPending && ask.variables === "plan"}
            >
              {t`Shake hands and plan`}
            </Button>
          </>
        )
      }
    >
      {isPlanned ? null : (
        <form
          id={formId}
          noValidate
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            ask.mutate("plan");
          }}
        >
          <Fields form={form} error={ask.error} onChange={(change) => setForm({ ...form, ...change })} />
        </form>
      )}
      {ask.isError && codeOf(ask.error) !== "invalid_payload" ? <Problem error={ask.error} /> : null}
      {ask.data === undefined ? null : (
        <Found answer={ask.data} onPlanAgain={() => ask.mutate("plan")} isPlanning={ask.isPending} />
      )}
    </Dialog>
  );
}

function requestOf(form: Form, intent: "plan" | "validate") {
  const args = form.args.split("\n").filter((line) => line.trim() !== "");
  const reach =
    form.reach === "endpoint"
      ? form.endpoint === ""
        ? {}
        : { endpoint: form.endpoint.trim() }
      : { ...(form.command === "" ? {} : { command: form.command.trim() }), args };
  return {
    intent,
    ...(form.name === "" ? {} : { agent_name: form.name.trim() }),
    repository: form.repository.trim() || form.name.trim() || "-",
    ...reach,
    ...(form.session === "shared" ? {} : { session: form.session }),
    ...(form.authName === "" || form.authValue === ""
      ? {}
      : { auth: { [form.authName.trim()]: form.authValue } }),
  };
}

type FieldsProps = { form: Form; error: unknown; onChange(change: Partial<Form>): void };

/** What ties a field to the form, and to what the server said of it. */
function useField({ form, error, onChange }: FieldsProps) {
  const errors = error instanceof ProblemError ? (error.problem.errors ?? []) : [];
  return (name: keyof Form, path: string) => ({
    value: form[name],
    problem: errors.find((each) => each.path === path || each.path.startsWith(`${path}.`))?.message,
    onChange: (event: { target: { value: string } }) => onChange({ [name]: event.target.value }),
  });
}

function Fields(props: FieldsProps) {
  const { t } = useLingui();
  const field = useField(props);
  const { form, onChange } = props;
  const isCommand = form.reach === "command";
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField
          label={t`Name`}
          hint={t`Lower-case letters, digits and hyphens, such as catalog`}
          {...field("name", "agent_name")}
        />
        <TextField
          label={t`Repository`}
          hint={t`Where its source is. Optional`}
          {...field("repository", "repository")}
        />
      </div>
      <SelectField
        label={t`Reached by`}
        value={form.reach}
        onChange={(event) => onChange({ reach: event.target.value === "command" ? "command" : "endpoint" })}
        options={[
          { value: "endpoint", label: t`An address` },
          { value: "command", label: t`A command on the console's host` },
        ]}
      />
      {isCommand ? (
        <CommandFields {...props} />
      ) : (
        <TextField
          label={t`Address`}
          type="url"
          placeholder={exampleAddress}
          spellCheck={false}
          {...field("endpoint", "endpoint")}
        />
      )}
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField
          label={isCommand ? t`Environment variable with a key` : t`Header with a key`}
          placeholder={isCommand ? "API_TOKEN" : "Authorization"}
          spellCheck={false}
          {...field("authName", "auth")}
        />
        <TextField
          label={t`Its value`}
          type="password"
          autoComplete="off"
          hint={t`Goes to the key store, encrypted. The plan only refers to it`}
          {...field("authValue", "auth.value")}
        />
      </div>
      <SelectField
        label={t`Session`}
        hint={t`Where it keeps state, such as a browser or a shell, one for each caller keeps them apart`}
        value={form.session}
        onChange={(event) =>
          onChange({ session: event.target.value === "per_caller" ? "per_caller" : "shared" })
        }
        options={[
          { value: "shared", label: t`One, shared by all callers` },
          { value: "per_caller", label: t`Each caller's own` },
        ]}
      />
    </>
  );
}

function CommandFields(props: FieldsProps) {
  const { t } = useLingui();
  const field = useField(props);
  return (
    <>
      <TextField
        label={t`Command`}
        hint={t`A program's name or path. It is not given to a shell, and policies/commands.yaml must list it`}
        spellCheck={false}
        {...field("command", "command")}
      />
      <TextArea label={t`Arguments`} hint={t`One a line`} spellCheck={false} {...field("args", "args")} />
    </>
  );
}

function Found({
  answer,
  onPlanAgain,
  isPlanning,
}: {
  answer: Onboarded;
  onPlanAgain(): void;
  isPlanning: boolean;
}) {
  const { t } = useLingui();
  const { validation, plan, patch, preview } = answer;
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-col gap-3 rounded-lg border border-line p-4">
        <h3>{validation.ok ? t`The handshake came about` : t`The handshake did not come about`}</h3>
        <Handshake steps={validation.steps} label={t`Handshake`} />
        {validation.tools.length === 0 ? null : (
          <p className="wrap-anywhere text-muted">
            {t`Tools: ${validation.tools.map(({ name }) => name).join(", ")}`}
          </p>
        )}
        {validation.tools.flatMap(({ name, problem }) =>
          problem === null ? [] : [<Note key={name} tone="warn">{`${name}: ${problem}`}</Note>],
        )}
      </div>
      {plan === undefined || patch === undefined ? null : (
        <PlanCard
          plan={plan}
          patch={patch}
          preview={preview ?? null}
          threadId={null}
          onPlanAgain={onPlanAgain}
          isPlanning={isPlanning}
        />
      )}
    </div>
  );
}
