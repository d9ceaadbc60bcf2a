import { useLingui } from "@lingui/react/macro";
import { useMutation } from "@tanstack/react-query";
import { Outlet, useRouter } from "@tanstack/react-router";
import { endSession } from "../features/session/end-session.ts";
import { Frame } from "../features/frame/frame.tsx";
import { Live } from "../features/frame/live.tsx";
import { SessionGuard } from "../features/session/session.tsx";
import { codeOf } from "../problems.ts";
import { Button, ButtonLink } from "../ui/button.tsx";
import { PageHeader } from "../ui/page.tsx";
import { Empty, Problem } from "../ui/states.tsx";

/** The frame around every page. */
export const Console = () => (
  <SessionGuard>
    <Live>
      <Frame>
        <Outlet />
      </Frame>
    </Live>
  </SessionGuard>
);

export function NotFound() {
  const { t } = useLingui();
  return (
    <main className="mx-auto flex max-w-3xl flex-col gap-5 p-6">
      <PageHeader title={t`No such page`} />
      <Empty title={t`Nothing is at this address`} action={<ButtonLink to="/">{t`Go home`}</ButtonLink>}>
        {t`The link may be old, or cut off.`}
      </Empty>
    </main>
  );
}

/** Somebody who is known and may do nothing. */
function WithoutRole() {
  const { t } = useLingui();
  const signOut = useMutation({ mutationFn: endSession, onSettled: () => location.assign("/sign-in") });
  return (
    <main className="mx-auto flex max-w-3xl flex-col gap-5 p-6">
      <PageHeader title={t`You have no role here`} />
      <Empty
        title={t`Your account is known, but may not see anything yet`}
        action={<Button onClick={() => signOut.mutate()}>{t`Sign in as somebody else`}</Button>}
      >
        {t`Ask an administrator to give you a role under Access, then reload this page.`}
      </Empty>
    </main>
  );
}

/** What is left when a page cannot be shown at all. */
export function Broken({ error }: { error: unknown }) {
  const { t } = useLingui();
  const router = useRouter();
  if (codeOf(error) === "insufficient_permission") return <WithoutRole />;
  return (
    <main className="mx-auto flex max-w-3xl flex-col gap-5 p-6">
      <PageHeader title={t`This page cannot be shown`} />
      <Problem error={error} onRetry={() => void router.invalidate()} />
    </main>
  );
}
