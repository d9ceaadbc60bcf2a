import { Agent, request } from "node:http";

/** Requests under way at once. */
export const concurrent = 32;

export type Asker = { ask(body: object): Promise<string>; close(): void };

/** A call of the echo tool. */
export const call = (id: number, name = "echo") => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: { text: "a text of ordinary length, as agents send them" } },
});

/** One POST after the other, on connections that stay open. */
export function post(url: string, headers: Record<string, string>): Asker {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrent });
  const { hostname, port, pathname, search } = new URL(url);
  const options = {
    agent,
    hostname,
    port,
    path: `${pathname}${search}`,
    method: "POST",
    headers: {
      ...headers,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    },
  };
  return {
    ask: (body) =>
      new Promise((resolve, reject) => {
        const sent = JSON.stringify(body);
        const asking = request(
          { ...options, headers: { ...options.headers, "content-length": Buffer.byteLength(sent) } },
          (response) => {
            const parts: Buffer[] = [];
            response.on("data", (part: Buffer) => parts.push(part));
            response.on("end", () => {
              const said = Buffer.concat(parts).toString();
              if (response.statusCode === 200 && !said.includes('"error"')) resolve(said);
              else reject(new Error(`HTTP ${response.statusCode}: ${said.slice(0, 300)}`));
            });
            response.on("error", reject);
          },
        );
        asking.on("error", reject);
        asking.end(sent);
      }),
    close: () => agent.destroy(),
  };
}
