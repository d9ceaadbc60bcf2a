import { spawn } from "node:child_process";
import { createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll } from "vitest";

const closing: (() => void)[] = [];
afterAll(() => closing.splice(0).forEach((close) => close()));

/** The suite knows no tokens: a relay that adds one to each request, and changes nothing else. */
export async function withToken(url: string, token: string): Promise<string> {
  const { hostname, port: upstream } = new URL(url);
  const server = createServer((request, response) => {
    const onward = forward(
      {
        hostname,
        port: upstream,
        method: request.method,
        path: request.url,
        headers: { ...request.headers, authorization: `Bearer ${token}` },
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        response.flushHeaders();
        answer.pipe(response);
      },
    );
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Runs the suite, and gives back what it printed. */
export async function conformance(...args: string[]): Promise<string> {
  const child = spawn("conformance", args, { stdio: ["ignore", "pipe", "pipe"] });
  const [printed, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return `${printed}\n${errors}`;
}
