import type { Session } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { Dialog } from "../../ui/dialog.tsx";
import { SignInForm } from "./sign-in-form.tsx";

/** Asks for the token again, on top of the page. */
export function ExpiredDialog({
  open,
  email,
  onSignedIn,
}: {
  open: boolean;
  email: string;
  onSignedIn(session: Session): void;
}) {
  const { t } = useLingui();
  return (
    <Dialog
      open={open}
      insistent
      onOpenChange={() => {}}
      title={t`Your session has ended`}
      description={t`Sign in again as ${email}. The page and what you typed are still here, and what you just asked for goes on.`}
    >
      <SignInForm onSignedIn={onSignedIn} />
    </Dialog>
  );
}
