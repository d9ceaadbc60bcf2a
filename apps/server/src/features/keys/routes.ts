import type { Mount } from "../../domain/mount.ts";
import type { KeysService } from "./service.ts";

export function keysRoutes(mount: Mount, keys: Omit<KeysService, "renewDue">): void {
  mount("listKeys", async ({ locale }) => ({ items: await keys.list(locale) }));
  mount("addKey", ({ actor, body, locale }) => keys.add(actor, body, locale));
  mount("rotateKey", ({ actor, params, body, locale }) => keys.rotate(actor, params, body, locale));
  mount("renewKey", ({ actor, params, locale }) => keys.renew(actor, params, locale));
  mount("setKeyRenewal", ({ actor, params, body, locale }) =>
    keys.setRenewal(actor, params, body.renewal, locale),
  );
  mount("revokeKey", ({ actor, params, locale }) => keys.revoke(actor, params, locale));
  mount("getRotation", ({ params, locale }) => keys.rotation(params.id, locale));
  mount("watchRotation", ({ params, locale }) => keys.watch(params.id, locale));
}
