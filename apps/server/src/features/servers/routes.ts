import type { Mount } from "../../domain/mount.ts";
import type { ServersService } from "./service.ts";

export function serversRoutes(mount: Mount, servers: ServersService): void {
  mount("listServers", ({ locale }) => ({ items: servers.list(locale) }));
  mount("getServer", ({ params, locale }) => servers.get(params.id, locale));
  mount("getServerTool", ({ params, locale }) => servers.tool(params.id, params.tool, locale));
  mount("probeServer", ({ params, locale }) => servers.probe(params.id, locale));
  mount("restartServer", ({ actor, params, locale }) => servers.restart(actor, params.id, locale));
}
