import type { Session } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { callOnce } from "../../api.ts";
import { codeOf } from "../../problems.ts";
import { Button } from "../../ui/button.tsx";
import { TextField } from "../../ui/field.tsx";
import { Problem } from "../../ui/states.tsx";

/** Exchanges a token for a session. The token goes to the server once, and is kept nowhere. */
export function SignInForm({ onSignedIn }: { onSignedIn(session: Session): void }) {
  const { t } = useLingui();
  const [token, setToken] = useState("");
  const signIn = useMutation({
    mutationFn: () => callOnce("createSession", { body: { token: token.trim() } }),
    onSuccess: onSignedIn,
  });
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (token.trim() !== "") signIn.mutate();
      }}
    >
      <TextField
        label={t`Token`}
        type="password"
        autoComplete="current-password"
        spellCheck={false}
        required
        // The only field of the form, and what people came here for.
        // oxlint-disable-next-line jsx-a11y/no-autofocus
        autoFocus
        value={token}
        onChange={(event) => {
          setToken(event.target.value);
          signIn.reset();
        }}
        hint={t`An administrator gives you one, under Access.`}
      />
      {signIn.isError ? (
        <Problem
          error={signIn.error}
          title={
            codeOf(signIn.error) === "unauthenticated" ? t`This token is not valid, or no longer` : undefined
          }
        />
      ) : null}
      <Button type="submit" look="primary" busy={signIn.isPending}>
        {t`Sign in`}
      </Button>
    </form>
  );
}
