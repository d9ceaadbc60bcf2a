import { type Key, ProblemError, type Rotation } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { call } from "../../api.ts";
import { codeOf } from "../../problems.ts";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Checkbox, SecretField, TextField } from "../../ui/field.tsx";
import { Note, Problem } from "../../ui/states.tsx";
import { Handshake } from "../servers/handshake.tsx";
import { endOfDay } from "./days.ts";

const formId = "rotate-key";
const empty = { value: "", expires: "", force: false, reason: "" };

/** A new value: tried live with every server that takes it, then used; or the old one kept, with the reason. */
export function RotateKey({ of: key, onClose }: { of: Key; onClose(): void }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const [form, setForm] = useState(empty);
  const rotate = useMutation({
    mutationFn: () =>
      call("rotateKey", {
        params: { provider: key.provider, name: key.name },
        body: {
          value: form.value,
          force: form.force,
          ...(form.expires === "" ? {} : { expires_at: endOfDay(form.expires) }),
          ...(form.reason.trim() === "" ? {} : { reason: form.reason.trim() }),
        },
      }),
    // The request holds a credential: nothing of it is kept.
    gcTime: 0,
    onSuccess: () => setForm(empty),
  });
  const { rotation, isCutOff, follow } = useRotation(rotate.data ?? null);
  useEffect(() => {
    if (rotation !== null && rotation.status !== "running") void client.invalidateQueries();
  }, [client, rotation]);
  const isUnderWay = rotation?.status === "running" && !isCutOff;
  return (
    <Dialog
      open
      insistent={(form !== empty && rotation === null) || isUnderWay}
      onOpenChange={(open) => open || onClose()}
      title={t`Rotate ${key.reference}`}
      description={<WhatIsTried of={key} />}
      actions={
        <Actions
          force={form.force}
          isSending={rotate.isPending}
          rotation={rotation}
          isUnderWay={isUnderWay}
          onAgain={() => rotate.reset()}
          onClose={onClose}
        />
      }
    >
      {rotation === null ? (
        <form
          id={formId}
          noValidate
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            rotate.mutate();
          }}
        >
          <Fields form={form} error={rotate.error} onChange={(change) => setForm({ ...form, ...change })} />
          {rotate.isError && codeOf(rotate.error) !== "invalid_payload" ? (
            <Problem error={rotate.error} />
          ) : null}
        </form>
      ) : (
        <>
          <Progress rotation={rotation} />
          {isCutOff ? <CutOff onFollow={follow} /> : null}
        </>
      )}
    </Dialog>
  );
}

function Actions({
  force,
  isSending,
  rotation,
  isUnderWay,
  onAgain,
  onClose,
}: {
  force: boolean;
  isSending: boolean;
  rotation: Rotation | null;
  isUnderWay: boolean;
  onAgain(): void;
  onClose(): void;
}) {
  const { t } = useLingui();
  if (rotation === null) {
    return (
      <>
        <Button onClick={onClose}>{t`Cancel`}</Button>
        <Button look={force ? "danger" : "primary"} type="submit" form={formId} busy={isSending}>
          {force ? t`Use it untried` : t`Try it and use it`}
        </Button>
      </>
    );
  }
  return (
    <>
      {rotation.status === "rejected" ? <Button onClick={onAgain}>{t`Try another value`}</Button> : null}
      <Button look="primary" blocked={isUnderWay ? t`The handshake is under way` : null} onClick={onClose}>
        {t`Close`}
      </Button>
    </>
  );
}

function CutOff({ onFollow }: { onFollow(): void }) {
  const { t } = useLingui();
  return (
    <Note tone="warn">
      {t`Its progress cannot be followed just now. It goes on all the same; the key shows how it ends.`}{" "}
      <Button onClick={onFollow}>{t`Follow it again`}</Button>
    </Note>
  );
}

type Form = typeof empty;

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
  const problemOf = (path: string) => errors.find((each) => each.path === path)?.message;
  return (
    <>
      <SecretField
        label={t`New value`}
        value={form.value}
        problem={problemOf("value")}
        onChange={(event) => onChange({ value: event.target.value })}
      />
      <TextField
        label={t`Ends at the end of`}
        type="date"
        value={form.expires}
        problem={problemOf("expires_at")}
        onChange={(event) => onChange({ expires: event.target.value })}
      />
      <Checkbox
        label={t`Use it without a handshake`}
        hint={t`For a provider that is dead. It is recorded as forced.`}
        checked={form.force}
        onChange={(event) => onChange({ force: event.target.checked })}
      />
      {form.force ? (
        <TextField
          label={t`Why`}
          value={form.reason}
          onChange={(event) => onChange({ reason: event.target.value })}
        />
      ) : null}
    </>
  );
}

function Progress({ rotation: { status, detail, servers } }: { rotation: Rotation }) {
  const { t } = useLingui();
  return (
    <div className="flex flex-col gap-4">
      {servers.map(({ server, steps }) => (
        <section key={server} className="flex flex-col gap-2 rounded-lg border border-line p-3">
          <h3>{server}</h3>
          <Handshake steps={steps} label={t`Handshake with ${server}`} />
        </section>
      ))}
      <div role="status" className="flex flex-col items-start gap-2">
        {status === "running" ? (
          <Badge tone="accent" icon="running">{t`Handshake under way`}</Badge>
        ) : status === "promoted" ? (
          <>
            <Badge tone="ok" icon="done">{t`In use`}</Badge>
            <p className="wrap-anywhere">{detail}</p>
          </>
        ) : (
          <>
            <Badge tone="bad" icon="failed">{t`Old value kept`}</Badge>
            <Note tone="warn">{detail}</Note>
          </>
        )}
      </div>
    </div>
  );
}

/** A rotation as it goes on, by the console's own stream of it. `isCutOff` where the browser has given that stream up. */
function useRotation(begun: Rotation | null) {
  const [seen, setSeen] = useState<Rotation | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [cutOffAt, setCutOffAt] = useState(-1);
  const id = begun?.id;
  useEffect(() => {
    if (id === undefined) return undefined;
    const source = new EventSource(`/api/v1/keys/rotations/${encodeURIComponent(id)}/events`);
    source.addEventListener("rotation", (event) => {
      const rotation = JSON.parse((event as MessageEvent<string>).data) as Rotation;
      setSeen(rotation);
      // The stream ends with the rotation; the browser would open it again.
      if (rotation.status !== "running") source.close();
    });
    source.addEventListener("error", () => {
      // One that was refused is not tried again by the browser; one that broke off is.
      if (source.readyState === EventSource.CLOSED) setCutOffAt(attempt);
    });
    return () => source.close();
  }, [id, attempt]);
  const rotation = begun === null ? null : seen?.id === begun.id ? seen : begun;
  const isCutOff = cutOffAt === attempt && rotation?.status === "running";
  return { rotation, isCutOff, follow: () => setAttempt(attempt + 1) };
}

/** What proves the new value before it is used. */
function WhatIsTried({ of: { used_by: servers, used_by_models: models } }: { of: Key }) {
  const { t } = useLingui();
  if (servers.length > 0) return t`Tried with ${servers.join(", ")}. Calls under way end on the old value.`;
  if (models.length === 0) return t`No server takes this key, so there is nothing to prove.`;
  return t`Not tried: no server takes it. Calls of models to ${models.join(", ")} go with the new value from then on.`;
}
