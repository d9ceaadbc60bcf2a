import type { Mount } from "../../domain/mount.ts";
import type { OnboardingService } from "./service.ts";

/** `publicUrl` is the console's own address, for the files that lead clients to it. */
export function onboardingRoutes(
  mount: Mount,
  onboarding: OnboardingService,
  publicUrl: string | undefined,
): void {
  const origin = (host: string | undefined): string => publicUrl ?? `http://${host ?? "127.0.0.1:8787"}`;
  // Every request for a plan enters here, since one about servers is planned with what a handshake finds.
  mount("plan", ({ actor, body, locale }) => onboarding.plan(actor, { ...body, locale }));
  mount("onboard", ({ actor, body, locale }) => onboarding.onboard(actor, body, locale));
  mount("importServers", ({ actor, body, locale, header }) =>
    onboarding.importFile(actor, body, origin(header("host")), locale),
  );
  mount("exportClient", ({ query, locale, header }) =>
    onboarding.exportFile(query.client, query.server, origin(header("host")), locale),
  );
  mount("acceptTools", ({ actor, params, body, locale }) =>
    onboarding.acceptTools(actor, params.id, body.tools, locale),
  );
}
