import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer, type IncomingMessage, request as send, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { posix, join } from "node:path";
import type { Duplex } from "node:stream";
import { Refusal } from "../../../errors.ts";
import { guardedLookup, type NetworkRules, type ResolveHost, urlProblem } from "../../../lib/outbound.ts";
import { bridgePort } from "./bridge.ts";

export type ProxyRules = {
  /** Names of hosts, as patterns, each with `:port` where it is neither 80 nor 443: those that the repository names. */
  named: readonly string[];
  /** The same of those that policy allows. */
  allowed: readonly string[];
  /** What holds for all that the console connects to: private addresses, TLS. */
  network(): NetworkRules;
  resolve: ResolveHost;
};

/** A way out of the sandbox to hosts that repository and policy name, as a proxy of HTTP, and to nowhere else. */
export type Proxy = {
  /** Where it is in the file system. */
  path: string;
  close(): Promise<void>;
};

const mostConnections = 256;
const connectMs = 30_000;

/** Environment by which programs find the proxy: npm, pip, cargo, go, curl, git, and by its options the Java machine. */
export const proxyEnvironment: Readonly<Record<string, string>> = (() => {
  const url = `http://127.0.0.1:${bridgePort}`;
  const names = ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"];
  const java = ["http", "https"]
    .map((kind) => `-D${kind}.proxyHost=127.0.0.1 -D${kind}.proxyPort=${bridgePort}`)
    .join(" ");
  return {
    ...Object.fromEntries(names.map((name) => [name, url])),
    MAVEN_OPTS: java,
    NO_PROXY: "",
    no_proxy: "",
  };
})();

export async function openProxy(folder: string, rules: ProxyRules): Promise<Proxy> {
  const path = join(folder, "out.sock");
  await rm(path, { force: true });
  const server = createServer((request, response) => forward(rules, request, response));
  server.maxConnections = mostConnections;
  server.on("connect", (request, near: Duplex, first: Buffer) =>
    tunnel(rules, request.url ?? "", near, first),
  );
  server.listen(path);
  await once(server, "listening");
  const tunnels = new Set<Duplex>();
  server.on("connection", (socket) => {
    tunnels.add(socket);
    socket.once("close", () => tunnels.delete(socket));
  });
  return {
    path,
    async close() {
      server.close();
      for (const socket of tunnels) socket.destroy();
      await rm(path, { force: true });
    },
  };
}

/** Why a host may not be reached; null where it may. */
function problemOf({ named, allowed, network }: ProxyRules, url: URL): string | null {
  const { hostname, port } = url;
  const host = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  // An address leaves the usual port of its protocol out.
  const at = port !== "" ? port : url.protocol === "https:" ? "443" : "80";
  const place = `${host}:${at}`;
  const places = at === "443" || at === "80" ? [host, place] : [place];
  const isIn = (patterns: readonly string[]): boolean =>
    patterns.some((pattern) => places.some((place) => posix.matchesGlob(place, pattern.toLowerCase())));
  if (at === "0") return `${place} is no place to connect to`;
  if (!isIn(named)) return `.ciclo/cycle.yaml, allow_hosts: does not name ${place}`;
  if (!isIn(allowed)) return `policies/cycles.yaml, setup_hosts: does not allow ${place}`;
  // The hosts are named above; what else holds for the console's connections holds here.
  return urlProblem(url, { ...network(), allow_hosts: ["*"] })?.detail.en ?? null;
}

function forward(rules: ProxyRules, request: IncomingMessage, response: ServerResponse): void {
  const url = URL.parse(request.url ?? "");
  const refuse = (status: number, why: string): void => {
    if (response.headersSent) response.destroy();
    else response.writeHead(status, { "content-type": "text/plain" }).end(`${why}\n`);
  };
  if (url === null || url.protocol !== "http:") return refuse(400, "This is a proxy: name the whole address");
  const problem = problemOf(rules, url);
  if (problem !== null) return refuse(403, problem);
  const { "proxy-connection": _, "proxy-authorization": __, ...headers } = request.headers;
  const onward = send(url, {
    method: request.method,
    headers: { ...headers, host: url.host },
    lookup: guardedLookup(rules.network, rules.resolve),
    timeout: connectMs,
    agent: false,
  });
  onward.on("response", (answer) => {
    const { statusCode = 0 } = answer;
    // What a server may send is more than what may be sent on.
    if (statusCode < 200 || statusCode > 599) {
      onward.destroy();
      refuse(502, `${url.host} answered ${statusCode}`);
      return;
    }
    try {
      response.writeHead(statusCode, answer.headers);
    } catch (error) {
      onward.destroy();
      refuse(502, `${url.host}: ${saidOf(error as Error)}`);
      return;
    }
    answer.pipe(response);
    answer.on("error", () => response.destroy());
  });
  onward.on("upgrade", (_, socket) => {
    socket.destroy();
    refuse(502, `${url.host} wants another protocol`);
  });
  onward.on("timeout", () => onward.destroy(new Error("it does not answer")));
  onward.on("error", (error) => refuse(502, `${url.host}: ${saidOf(error)}`));
  response.on("close", () => onward.destroy());
  request.pipe(onward);
}

function tunnel(rules: ProxyRules, place: string, near: Duplex, first: Buffer): void {
  near.on("error", () => near.destroy());
  const refuse = (status: string, why: string): void => {
    near.end(`HTTP/1.1 ${status}\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n${why}\n`);
  };
  const url = URL.parse(`https://${place}`);
  if (url === null || url.pathname !== "/" || url.username !== "")
    return refuse("400 Bad Request", "Name host and port");
  const problem = problemOf(rules, url);
  if (problem !== null) return refuse("403 Forbidden", problem);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const far = connect({
    host,
    port: Number(url.port || 443),
    lookup: guardedLookup(rules.network, rules.resolve),
    timeout: connectMs,
  });
  let isOpen = false;
  far.once("connect", () => {
    isOpen = true;
    far.setTimeout(0);
    near.write("HTTP/1.1 200 Connection established\r\n\r\n");
    far.write(first);
    near.pipe(far).pipe(near);
  });
  far.on("timeout", () => far.destroy(new Error("it does not answer")));
  far.on("error", (error) =>
    isOpen ? near.destroy() : refuse("502 Bad Gateway", `${place}: ${saidOf(error)}`),
  );
  far.on("close", () => isOpen && near.destroy());
  near.on("close", () => far.destroy());
}

const saidOf = (error: Error): string => (error instanceof Refusal ? error.detail.en : error.message);
