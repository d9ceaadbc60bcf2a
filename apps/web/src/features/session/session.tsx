import { permissions, type Permission, type Session } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { queryOptions, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { type ReactNode, Suspense, useCallback, useEffect, useState } from "react";
import { callOnce, keepSession, resume, whenExpired } from "../../api.ts";
import { announceIdentity, onIdentity } from "../../identity.ts";
import { lazily } from "../../ui/lazily.ts";

const ExpiredDialog = lazily(async () => (await import("./expired-dialog.tsx")).ExpiredDialog);

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  async queryFn() {
    const session = await callOnce("getSession");
    keepSession(session);
    return session;
  },
  staleTime: Number.POSITIVE_INFINITY,
});

/** Who is signed in. Below the frame only, which is not shown to anybody else. */
export const useSession = (): Session => useSuspenseQuery(sessionQuery).data;

/** Null when the person may; otherwise why not. */
export function useBlocked(): (permission: Permission) => string | null {
  const { t } = useLingui();
  const { permissions: held } = useSession();
  return (permission) => {
    const roles = permissions[permission].join(", ");
    return held.includes(permission) ? null : t`Requires the role: ${roles}`;
  };
}

/**
 * When the session ends while a page is open, asks for it again on top of the page, which
 * stays as it is. Calls that were under way go on afterwards.
 */
export function SessionGuard({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const { user: present } = useSession();
  // Whoever the page was opened for: what is on it is theirs.
  const [user] = useState(present);
  const [hasEnded, setEnded] = useState(false);
  const welcome = useCallback(
    (next: Session) => {
      const isSame = next.user.id === user.id;
      keepSession(next);
      client.setQueryData(sessionQuery.queryKey, next);
      setEnded(false);
      resume(isSame);
      announceIdentity(next.user.id);
    },
    [client, user.id],
  );
  useEffect(() => {
    if (present.id !== user.id) location.reload();
  }, [present.id, user.id]);
  useEffect(
    () =>
      onIdentity((userId) => {
        if (userId !== user.id) location.reload();
      }),
    [user.id],
  );
  useEffect(
    // Another tab may have opened a new session already.
    () => whenExpired(() => void callOnce("getSession").then(welcome, () => setEnded(true))),
    [welcome],
  );
  return (
    <>
      {children}
      {hasEnded ? (
        <Suspense>
          <ExpiredDialog open email={user.email} onSignedIn={welcome} />
        </Suspense>
      ) : null}
    </>
  );
}
