import type { Mount } from "../../domain/mount.ts";
import type { KeysService } from "./service.ts";

export function keysRoutes(mount: Mount, keys: Omit<KeysService, "renewDue">): void {
  mount("listKeys", async () => ({ items: await keys.list() }));
  mount("addKey", ({ actor, body }) => keys.add(actor, body));
  mount("rotateKey", ({ actor, params, body, locale }) => keys.rotate(actor, params, body, locale));
  mount("renewKey", ({ actor, params, locale }) => keys.renew(actor, params, locale));
  mount("setKeyRenewal", ({ actor, params, body }) => keys.setRenewal(actor, params, body.renewal));
  mount("revokeKey", ({ actor, params }) => keys.revoke(actor, params));
  mount("getRotation", ({ params, locale }) => keys.rotation(params.id, locale));
  mount("watchRotation", ({ params, locale }) => keys.watch(params.id, locale));
}
