import type { IncomingHttpHeaders } from "node:http";
import { z } from "zod";
import type { RpcMessage } from "./messages.ts";

/** The program that calls, as it names itself. */
export type ClientName = { name: string; version: string | null };

const maxName = 100;
const maxKept = 10_000;
const infoKey = "io.modelcontextprotocol/clientInfo";
const infoSchema = z.object({ name: z.string().min(1), version: z.string().optional() });

/**
 * Which program calls. Since 2026-07-28 each request may say so itself; before, only `initialize` does, so
 * it is remembered by caller, address and user agent. It is what the program claims, and decides nothing.
 */
export class ClientNames {
  readonly #known = new Map<string, ClientName>();

  of(message: RpcMessage, headers: IncomingHttpHeaders, actor: string, path: string): ClientName | null {
    const key = `${actor} ${path} ${headers["user-agent"] ?? ""}`;
    const isGreeting = message.method === "initialize";
    const said = infoSchema.safeParse(
      isGreeting ? message.params?.["clientInfo"] : message.params?._meta?.[infoKey],
    );
    if (!said.success) return this.#known.get(key) ?? null;
    const client = {
      name: said.data.name.slice(0, maxName),
      version: said.data.version?.slice(0, maxName) ?? null,
    };
    if (isGreeting) {
      if (this.#known.size >= maxKept) this.#known.clear();
      this.#known.set(key, client);
    }
    return client;
  }
}
