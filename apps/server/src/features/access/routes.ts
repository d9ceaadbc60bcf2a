import type { Authenticated } from "../../domain/access.ts";
import type { Mount } from "../../domain/mount.ts";
import type { RunTokensService } from "./run-tokens.ts";
import type { SessionsService } from "./sessions.ts";
import type { UsersService } from "./users.ts";

export function accessRoutes(
  mount: Mount,
  {
    users,
    sessions,
    runTokens,
  }: { users: UsersService; sessions: SessionsService; runTokens: RunTokensService },
): void {
  mount("createSession", async ({ body, address, setSessionCookie }) => {
    const opened = await sessions.open(body, address);
    setSessionCookie(opened.cookie, opened.maxAgeSeconds);
    return opened.session;
  });
  mount("getSession", ({ authenticated }) => sessions.present(authenticated as Authenticated));
  mount("deleteSession", async ({ authenticated, setSessionCookie }) => {
    await sessions.close(authenticated as Authenticated);
    setSessionCookie("", 0);
  });
  mount("listUsers", async () => ({ items: await users.list() }));
  mount("createUser", ({ actor, body }) => users.add(actor, body));
  mount("setUserRoles", ({ actor, params, body }) => users.setRoles(actor, params, body.roles));
  mount("disableUser", ({ actor, params }) => users.disable(actor, params));
  mount("enableUser", ({ actor, params }) => users.enable(actor, params));
  mount("rotateToken", ({ actor, authenticated, params, body }) =>
    users.rotateToken(actor, params, {
      expiresAt: body.expires_at,
      ownSession: authenticated?.session?.id,
    }),
  );
  mount("listRunTokens", async ({ actor }) => ({ items: await runTokens.list(actor) }));
  mount("createRunToken", ({ authenticated, body }) =>
    runTokens.create(authenticated as Authenticated, body),
  );
  mount("endRunToken", ({ actor, params }) => runTokens.end(actor, params.id));
  mount("revokeToken", ({ actor, params }) => users.revokeToken(actor, params));
}
