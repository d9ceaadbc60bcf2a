import { isIP } from "node:net";
import { Memo } from "./memo.ts";
import { hostname as machine, networkInterfaces } from "node:os";

/** What this console is reached at. */
export type OwnAddresses = {
  /** Scheme and host that people reach it at; undefined where it is reached directly. */
  publicUrl: string | undefined;
  /** What it listens on: an address, or a name. */
  host: string;
};

/** Every request asks, and nearly all of them for the same few. */
const hostnames = new Memo<string, string | null>(200);
const hostnameOf = (url: string): string | null =>
  hostnames.get(url, () => (URL.canParse(url) ? new URL(url).hostname : null));

export const isLoopback = (hostname: string): boolean =>
  /(^|\.)localhost$/.test(hostname) || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);

/**
 * Whether the `Host` of a request is one of this console's. A name that is none of ours could have been pointed here
 * by somebody else's page (DNS rebinding); an address cannot be pointed elsewhere.
 */
export function isOwnHost(header: string | undefined, { publicUrl, host }: OwnAddresses): boolean {
  // Where it listens is what most callers ask, in so many letters.
  if (header !== undefined && /^(?:127\.0\.0\.1|localhost)(?::\d{1,5})?$/.test(header)) return true;
  const hostname = hostnameOf(`http://${header ?? ""}`);
  if (hostname === null) return false;
  if (isLoopback(hostname) || isIP(hostname.replace(/^\[|\]$/g, "")) !== 0) return true;
  return hostname === host.toLowerCase() || (publicUrl !== undefined && hostname === hostnameOf(publicUrl));
}

/** Whether a page of this origin is one that this console itself has given out under that `Host`. */
export function isOwnOrigin(
  origin: string,
  header: string | undefined,
  { publicUrl }: OwnAddresses,
): boolean {
  if (origin === publicUrl) return true;
  return URL.canParse(origin) && new URL(origin).host === (header ?? "").toLowerCase();
}

/** Whether a text, an address or an argument that holds one, leads to this console: by its public address, or at its port. */
export function leadsHere(text: string, { publicUrl, host, port }: OwnAddresses & { port: number }): boolean {
  const own = publicUrl === undefined ? null : new URL(publicUrl);
  const addresses = text.match(/\b(?:https?|wss?):\/\/[^\s"'<>|]+/gi) ?? [];
  return addresses
    .filter((address) => URL.canParse(address))
    .some((address) => {
      const url = new URL(address.replace(/^ws/i, "http"));
      const name = plainHost(url.hostname);
      if (own !== null && name === plainHost(own.hostname) && url.port === own.port) return true;
      const isHere = isLoopback(name) || name === host.toLowerCase() || ownNames().has(name);
      return isHere && Number(url.port || (url.protocol === "https:" ? 443 : 80)) === port;
    });
}

/** A host as `URL` writes it, without the root's dot, and an IPv4 address within IPv6 as itself. */
function plainHost(hostname: string): string {
  const [, high = "", low = ""] = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(hostname) ?? [];
  if (high === "") return hostname.replace(/\.$/, "");
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join(".");
}

/** Names and addresses of this machine, as they stand in a URL. */
const ownNames = (): Set<string> =>
  new Set(
    Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .map(({ address, family }) => (family === "IPv6" ? `[${address}]` : address))
      .concat("0.0.0.0", "[::]", machineName(), `${machineName()}.local`),
  );

const machineName = (): string => machine().toLowerCase();

/** Whether a page on this machine asks a console on this machine. */
export function isLocalOrigin(origin: string, header: string | undefined): boolean {
  const [from, to] = [hostnameOf(origin), hostnameOf(`http://${header ?? ""}`)];
  return from !== null && to !== null && isLoopback(from) && isLoopback(to);
}
