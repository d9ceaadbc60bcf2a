import type { Key } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { call } from "../../api.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Note, Problem } from "../../ui/states.tsx";
import { useToast } from "../../ui/toast.tsx";

export function RevokeKey({ of: key, onClose }: { of: Key; onClose(): void }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const toast = useToast();
  const revoke = useMutation({
    mutationFn: () => call("revokeKey", { params: { provider: key.provider, name: key.name } }),
    async onSuccess() {
      toast(t`Revoked`, key.reference);
      onClose();
      await client.invalidateQueries();
    },
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => open || onClose()}
      title={t`Revoke ${key.reference}?`}
      actions={
        <>
          <Button onClick={onClose}>{t`Keep it`}</Button>
          <Button look="danger" busy={revoke.isPending} onClick={() => revoke.mutate()}>
            {t`Revoke the key`}
          </Button>
        </>
      }
    >
      <p>{t`Its value is wiped here. It stays valid at its issuer until you revoke it there.`}</p>
      {key.used_by_models.length === 0 ? null : (
        <Note tone="warn">{t`Calls of models to these providers fail from then on: ${key.used_by_models.join(", ")}`}</Note>
      )}
      {key.used_by_webhooks.length === 0 ? null : (
        <Note tone="warn">{t`These webhooks stop receiving events: ${key.used_by_webhooks.join(", ")}`}</Note>
      )}
      {key.used_by.length === 0 ? null : (
        <Note tone="warn">{t`These servers take it and are quarantined at once: ${key.used_by.join(", ")}`}</Note>
      )}
      {revoke.isError ? <Problem error={revoke.error} /> : null}
    </Dialog>
  );
}
