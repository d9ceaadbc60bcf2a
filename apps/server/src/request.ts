import { type EndpointName, type Locale, negotiateLocale } from "@ciclo/contract";
import type { Context, Hono } from "hono";
import type { Actor } from "./domain/actor.ts";

export const apiBase = "/api/v1";
type Variables = { Variables: { requestId: string; actor: Actor; endpoint: EndpointName } };
export type App = Hono<Variables>;
export type AppContext = Context<Variables>;

export const localeOf = (c: AppContext): Locale => negotiateLocale(c.req.header("accept-language"));

/** The `Host` header, or the host of a request that was made within this process. */
export const hostOf = (c: AppContext): string => c.req.header("host") ?? new URL(c.req.url).host;

/** The peer's address; behind a proxy all callers share its one. */
export function addressOf(c: AppContext): string {
  const env = c.env as { incoming?: { socket?: { remoteAddress?: string } } } | undefined;
  return env?.incoming?.socket?.remoteAddress ?? "local";
}
