import { useLingui } from "@lingui/react/macro";
import { Outlet, useRouter } from "@tanstack/react-router";
import { Frame } from "../features/frame/frame.tsx";
import { Live } from "../features/frame/live.tsx";
import { SessionGuard } from "../features/session/session.tsx";
import { ButtonLink } from "../ui/button.tsx";
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

/** What is left when a page cannot be shown at all. */
export function Broken({ error }: { error: unknown }) {
  const { t } = useLingui();
  const router = useRouter();
  return (
    <main className="mx-auto flex max-w-3xl flex-col gap-5 p-6">
      <PageHeader title={t`This page cannot be shown`} />
      <Problem error={error} onRetry={() => void router.invalidate()} />
    </main>
  );
}
