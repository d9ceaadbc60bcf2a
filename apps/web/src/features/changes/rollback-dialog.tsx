import type { RollbackPreview } from "@ciclo/contract";
import { msg } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { call } from "../../api.ts";
import { useDraft } from "../../draft.ts";
import { Button } from "../../ui/button.tsx";
import { Mono } from "../../ui/code.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { TextArea } from "../../ui/field.tsx";
import { Note, Problem, Skeleton } from "../../ui/states.tsx";
import { useToast } from "../../ui/toast.tsx";
import { useSession } from "../session/session.tsx";
import { rollbackQuery } from "./queries.ts";

const effects = {
  restored: msg`comes back`,
  removed: msg`is removed`,
  changed: msg`is changed back`,
};

/** Asks once more, with what exactly would happen to the live branch as it is now. */
export function RollbackDialog({ planId, onClose }: { planId: string; onClose(): void }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const toast = useToast();
  const { user } = useSession();
  const [reason, setReason] = useDraft(`rollback.${user.id}.${planId}`);
  const preview = useQuery(rollbackQuery(planId));
  const rollback = useMutation({
    mutationFn: () =>
      call("rollback", {
        body: { plan_id: planId, ...(reason.trim() === "" ? {} : { reason: reason.trim() }) },
      }),
    async onSuccess(result) {
      setReason("");
      toast(result.message);
      onClose();
      await client.invalidateQueries();
    },
  });
  const effect = preview.data;
  const isPossible = effect !== undefined && effect.effect !== "none" && effect.conflicts.length === 0;
  return (
    <Dialog
      open
      onOpenChange={(open) => open || onClose()}
      title={t`Roll back this change?`}
      description={<Mono>{planId}</Mono>}
      actions={
        <>
          <Button onClick={onClose}>{t`Keep the change`}</Button>
          <Button
            look="danger"
            busy={rollback.isPending}
            blocked={isPossible ? null : t`There is nothing that could be rolled back now`}
            onClick={() => rollback.mutate()}
          >
            {effect?.effect === "withdraw" ? t`Withdraw the change` : t`Roll back`}
          </Button>
        </>
      }
    >
      {preview.isPending ? <Skeleton rows={2} height={28} /> : null}
      {preview.isError ? <Problem error={preview.error} onRetry={() => void preview.refetch()} /> : null}
      {effect === undefined ? null : <Consequence effect={effect} />}
      {isPossible ? (
        <TextArea
          label={t`Reason`}
          hint={t`Kept in the audit log.`}
          rows={2}
          maxLength={4000}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
      ) : null}
      {rollback.isError ? <Problem error={rollback.error} /> : null}
    </Dialog>
  );
}

function Consequence({ effect }: { effect: RollbackPreview }) {
  const { t, i18n } = useLingui();
  return (
    <div className="flex flex-col gap-2">
      {effect.conflicts.length > 0 ? (
        <Note tone="warn">
          <p>{effect.message}</p>
          <ul>
            {effect.conflicts.map((path) => (
              <li key={path}>
                <Mono>{path}</Mono>
              </li>
            ))}
          </ul>
        </Note>
      ) : (
        <p className="font-medium wrap-anywhere">{effect.message}</p>
      )}
      {effect.pull_request === null ? null : (
        <p className="wrap-anywhere">{t`Its pull request is closed: ${effect.pull_request}`}</p>
      )}
      {effect.files.length === 0 ? null : (
        <ul className="flex flex-col gap-1 rounded-lg bg-sunken px-3 py-2">
          {effect.files.map(({ path, effect: what }) => (
            <li key={path} className="flex flex-wrap justify-between gap-x-3">
              <Mono>{path}</Mono>
              <span className={what === "removed" ? "font-medium text-bad" : "text-muted"}>
                {i18n._(effects[what])}
              </span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
