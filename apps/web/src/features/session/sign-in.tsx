import type { Session } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { callOnce, keepSession } from "../../api.ts";
import { announceIdentity } from "../../identity.ts";
import { codeOf } from "../../problems.ts";
import { Button } from "../../ui/button.tsx";
import { useTitle } from "../../ui/page.tsx";
import { Problem } from "../../ui/states.tsx";
import { Logo } from "../../ui/logo.tsx";
import { LanguageAndTheme } from "../frame/preferences.tsx";
import { sessionQuery } from "./session.tsx";
import { SignInForm } from "./sign-in-form.tsx";

/** The one-time secret of the address. */
const linkOf = (): string | null => location.hash.slice(1) || null;

/** The secret would stay in the browser's history. */
function hideLink(): void {
  if (location.hash !== "") history.replaceState(history.state, "", location.pathname + location.search);
}

/** The way in: by token, or by the one-time link that led here. */
export function SignIn({ onSignedIn }: { onSignedIn(): void }) {
  const { t } = useLingui();
  useTitle(t`Sign in`);
  const client = useQueryClient();
  const [link, setLink] = useState(linkOf);
  useEffect(hideLink, []);
  const enter = (session: Session): void => {
    keepSession(session);
    announceIdentity(session.user.id);
    client.setQueryData(sessionQuery.queryKey, session);
    onSignedIn();
  };
  return (
    <div className="flex min-h-dvh flex-col">
      <div className="flex justify-end p-3">
        <LanguageAndTheme />
      </div>
      <main className="mx-auto flex w-full max-w-sm grow flex-col gap-6 px-4 pt-[8vh] pb-12">
        <div className="flex items-center gap-2.5">
          <Logo size={32} />
          <span className="text-[1.35rem] font-bold tracking-tight">Ciclo</span>
        </div>
        <div>
          <h1>{t`Sign in`}</h1>
          <p className="mt-1 text-muted">{t`The console for your team's MCP servers, agents and what they deliver.`}</p>
        </div>
        {link === null ? (
          <SignInForm onSignedIn={enter} />
        ) : (
          <ByLink link={link} onSignedIn={enter} onGiveUp={() => setLink(null)} />
        )}
      </main>
    </div>
  );
}

/** A link is used when asked to, not on sight: programs that preview links must not use it up. */
function ByLink({
  link,
  onSignedIn,
  onGiveUp,
}: {
  link: string;
  onSignedIn(session: Session): void;
  onGiveUp(): void;
}) {
  const { t } = useLingui();
  const signIn = useMutation({
    mutationFn: () => callOnce("createSession", { body: { link } }),
    onSuccess: onSignedIn,
  });
  if (signIn.isError) {
    return (
      <div className="flex flex-col gap-4">
        <Problem
          error={signIn.error}
          title={
            codeOf(signIn.error) === "unauthenticated" ? t`This link was used, or has expired` : undefined
          }
        />
        <p className="text-muted">{t`A link works once, within 15 minutes. Ask for another, or sign in with your token.`}</p>
        <Button onClick={onGiveUp}>{t`Sign in with a token`}</Button>
      </div>
    );
  }
  return (
    <div className="flex flex-col gap-4">
      <p>{t`You came by a one-time link. It is used up when you continue.`}</p>
      <Button look="primary" busy={signIn.isPending} onClick={() => signIn.mutate()}>
        {t`Continue`}
      </Button>
    </div>
  );
}
