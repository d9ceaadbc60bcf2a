import { lookup as systemLookup, type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { posix } from "node:path";
import { type PolicyOf, type Text, text } from "@ciclo/contract";
import ipaddr from "ipaddr.js";
import { Refusal } from "../errors.ts";

/** Where the console may connect to: `policies/network.yaml`, or nowhere private and only by TLS. */
export type NetworkRules = Pick<PolicyOf<"network">, "allow_hosts" | "allow_private" | "require_tls"> & {
  /** Name of the policy file, for who must change it. */
  policy: string;
  /** The policy is there but cannot be used: nowhere may be connected to until it is mended. */
  isUnusable?: boolean;
};

/** Resolves a name to all its addresses, as `dns.lookup` with `all` does. */
export type ResolveHost = (
  hostname: string,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export const resolveBySystem: ResolveHost = (hostname, callback) =>
  systemLookup(hostname, { all: true }, callback);

/** Ranges of ipaddr.js that a policy may open; every other range but `unicast` stays shut. */
const privateRanges = new Set(["private", "loopback", "uniqueLocal", "carrierGradeNat"]);

const refused = ({ policy }: NetworkRules, rule: string, what: Text): Refusal =>
  new Refusal(
    "policy_denied",
    text(
      `policies/${policy}.yaml, ${rule}: does not allow ${what.en}`,
      `policies/${policy}.yaml, ${rule}: não permite ${what["pt-BR"]}`,
    ),
  );

const unusable = ({ policy }: NetworkRules): Refusal =>
  new Refusal(
    "policy_denied",
    text(
      `policies/${policy}.yaml cannot be used, so no remote server is reached. Health says what is wrong with it`,
      `policies/${policy}.yaml não pode ser usada, então nenhum servidor remoto é acessado. A saúde diz o que há de errado`,
    ),
  );

/** Why an address may not be connected to; null when it may. IPv4 inside IPv6 is taken as what it is. */
export function addressProblem(address: string, rules: NetworkRules): Refusal | null {
  if (rules.isUnusable === true) return unusable(rules);
  const range = ipaddr.process(address).range();
  if (range === "unicast" || (rules.allow_private && privateRanges.has(range))) return null;
  const rule = privateRanges.has(range) ? "allow_private" : "always";
  return refused(rules, rule, text(`the ${range} address ${address}`, `o endereço ${address} (${range})`));
}

/** Why a URL may not be connected to, as far as it tells by itself. Names are checked when they are resolved. */
export function urlProblem(url: URL, rules: NetworkRules): Refusal | null {
  if (rules.isUnusable === true) return unusable(rules);
  const host = hostOf(url);
  if (rules.require_tls && !/^(https|wss):$/.test(url.protocol)) {
    return refused(rules, "require_tls", text("connections without TLS", "conexões sem TLS"));
  }
  if (!rules.allow_hosts.some((glob) => posix.matchesGlob(host, glob))) {
    return refused(rules, "allow_hosts", text(`the host ${host}`, `o host ${host}`));
  }
  // RFC 6761, section 6.3: the name is the loopback address, whatever a resolver says.
  const address = /(^|\.)localhost\.?$/.test(host) ? "127.0.0.1" : host;
  return ipaddr.isValid(address) ? addressProblem(address, rules) : null;
}

/** The host name, without the brackets of an IPv6 address. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, "");

/**
 * A `lookup` for sockets that hands out only addresses the rules allow. The check is made
 * on the very addresses that are connected to, so an answer that changes later changes nothing.
 */
export function guardedLookup(rules: () => NetworkRules, resolve: ResolveHost): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, (error, addresses) => {
      if (error !== null) {
        callback(error, "");
        return;
      }
      const problem = addresses
        .map(({ address }) => addressProblem(address, rules()))
        .find((each) => each !== null);
      const wanted = addresses.filter(({ family }) => !options.family || family === options.family);
      const [first] = wanted;
      if (problem !== undefined) callback(problem, "");
      else if (first === undefined) callback(unknownHost(hostname), "");
      else if (options.all === true) callback(null, wanted);
      else callback(null, first.address, first.family);
    });
  };
}

const unknownHost = (hostname: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: "ENOTFOUND", hostname });

/** The addresses of a host, each of them allowed. Throws a `Refusal`, or the resolver's own error. */
export function resolveAllowed(host: string, rules: NetworkRules, resolve: ResolveHost): Promise<string[]> {
  if (ipaddr.isValid(host)) return Promise.resolve([host]);
  return new Promise((done, fail) => {
    const lookup = guardedLookup(() => rules, resolve);
    lookup(host, { all: true }, (error, addresses) => {
      if (error !== null) fail(error);
      else done((addresses as LookupAddress[]).map(({ address }) => address));
    });
  });
}
