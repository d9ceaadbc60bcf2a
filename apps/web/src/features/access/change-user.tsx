import type { ProvisionedUser, User } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../api.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Note, Problem } from "../../ui/states.tsx";
import { useToast } from "../../ui/toast.tsx";
import { useSession } from "../session/session.tsx";
import { TokenOnce } from "./token-once.tsx";

export type UserAction = "rotate" | "revoke" | "disable" | "enable";

const calls = {
  rotate: (id: string) => call("rotateToken", { params: { id }, body: {} }),
  revoke: (id: string) => call("revokeToken", { params: { id } }),
  disable: (id: string) => call("disableUser", { params: { id } }),
  enable: (id: string) => call("enableUser", { params: { id } }),
} satisfies Record<UserAction, (id: string) => Promise<User | ProvisionedUser>>;

/** Asks once more before a user loses or regains something, naming what. */
export function ChangeUser({ user, action, onClose }: { user: User; action: UserAction; onClose(): void }) {
  const words = useWords(user)[action];
  const { t } = useLingui();
  const client = useQueryClient();
  const toast = useToast();
  const isSelf = useSession().user.id === user.id;
  const [issued, setIssued] = useState<ProvisionedUser | null>(null);
  const change = useMutation({
    mutationFn: (): Promise<User | ProvisionedUser> => calls[action](user.id),
    // The answer may hold a token: it is gone with the dialog.
    gcTime: 0,
    async onSuccess(result) {
      if ("token" in result) {
        setIssued(result);
      } else {
        toast(words.done);
        onClose();
      }
      await client.invalidateQueries();
    },
  });
  if (issued !== null) return <TokenOnce user={issued} onClose={onClose} />;
  return (
    <Dialog
      open
      insistent={change.isPending}
      onOpenChange={(open) => open || onClose()}
      title={words.title}
      actions={
        <>
          <Button busy={change.isPending} onClick={onClose}>{t`Cancel`}</Button>
          <Button
            look={action === "enable" ? "primary" : "danger"}
            busy={change.isPending}
            onClick={() => change.mutate()}
          >
            {words.button}
          </Button>
        </>
      }
    >
      {isSelf ? (
        <Note tone="warn">{t`This is you. Without a token that works you cannot sign in again.`}</Note>
      ) : null}
      <p>{words.consequence}</p>
      {change.isError ? <Problem error={change.error} /> : null}
    </Dialog>
  );
}

type Words = { title: string; consequence: string; button: string; done: string };

function useWords({ name, email }: User): Record<UserAction, Words> {
  const { t } = useLingui();
  return {
    rotate: {
      title: t`New token for ${name}?`,
      consequence: t`The present token of ${email} stops working at once, and open sessions and tokens of runs end. Whatever uses it must get the new one.`,
      button: t`Make a new token`,
      done: "",
    },
    revoke: {
      title: t`Revoke the token of ${name}?`,
      consequence: t`The token of ${email} stops working at once, and open sessions and tokens of runs end. The user stays, without a way in.`,
      button: t`Revoke the token`,
      done: t`The token of ${name} was revoked`,
    },
    disable: {
      title: t`Disable ${name}?`,
      consequence: t`Token, sessions, tokens of runs and sign-in links of ${email} end at once. Their votes on open approvals no longer count. What they did stays in the audit log.`,
      button: t`Disable`,
      done: t`${name} was disabled`,
    },
    enable: {
      title: t`Enable ${name}?`,
      consequence: t`${email} may hold their roles again. The old token stays dead: make a new one afterwards.`,
      button: t`Enable`,
      done: t`${name} was enabled`,
    },
  };
}
