import type { ProvisionedUser } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { Button } from "../../ui/button.tsx";
import { Code } from "../../ui/code.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Note } from "../../ui/states.tsx";

/** The one time that a token is shown. It closes only when somebody says that they have it. */
export function TokenOnce({ user, onClose }: { user: ProvisionedUser; onClose(): void }) {
  const { t } = useLingui();
  return (
    <Dialog
      open
      insistent
      onOpenChange={() => {}}
      title={t`Token of ${user.name}`}
      actions={
        <Button look="primary" onClick={onClose}>
          {t`I have stored it`}
        </Button>
      }
    >
      <Note tone="warn">
        {t`It is shown this once. Ciclo keeps only its hash; whoever loses it needs a new one.`}
      </Note>
      <Code label={t`Token`}>{user.token}</Code>
      <p className="text-muted">{t`Hand it over on a safe way. It signs in here, and works as the bearer token of the API.`}</p>
    </Dialog>
  );
}
