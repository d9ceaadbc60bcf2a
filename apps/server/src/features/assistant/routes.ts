import type { Mount } from "../../domain/mount.ts";
import type { AssistantService } from "./service.ts";

export function assistantRoutes(mount: Mount, assistant: AssistantService): void {
  mount("getChat", ({ actor, query, locale }) => assistant.overview(actor, query.threadId, locale));
  mount("chat", ({ actor, body, locale }) => assistant.chat(actor, body, locale));
}
