import type { Role, User } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../api.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Problem } from "../../ui/states.tsx";
import { useToast } from "../../ui/toast.tsx";
import { RoleChoice } from "./role-choice.tsx";

export function EditRoles({ user, onClose }: { user: User; onClose(): void }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const toast = useToast();
  const [chosen, setChosen] = useState<readonly Role[]>(user.roles);
  const save = useMutation({
    mutationFn: () => call("setUserRoles", { params: { id: user.id }, body: { roles: [...chosen] } }),
    async onSuccess() {
      toast(t`Roles of ${user.name} saved`);
      onClose();
      await client.invalidateQueries();
    },
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => open || onClose()}
      title={t`Roles of ${user.name}`}
      description={t`They hold from the next request on.`}
      actions={
        <>
          <Button onClick={onClose}>{t`Cancel`}</Button>
          <Button look="primary" busy={save.isPending} onClick={() => save.mutate()}>
            {t`Save`}
          </Button>
        </>
      }
    >
      <RoleChoice chosen={chosen} onChange={setChosen} />
      {save.isError ? <Problem error={save.error} /> : null}
    </Dialog>
  );
}
