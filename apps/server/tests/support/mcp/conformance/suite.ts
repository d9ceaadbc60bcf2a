import { spawn } from "node:child_process";
import { createServer, request as forward, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { json, text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { whenFileEnds } from "../../closing.ts";
import { playScenario, type Scenario } from "./client.ts";

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
  return `http://127.0.0.1:${await portOf(server)}`;
}

/** The command by which the suite starts the console's client. */
export async function clientCommand(): Promise<string> {
  const server = createServer(async (request, response) => {
    try {
      const failed = await playScenario((await json(request)) as Scenario);
      response.writeHead(200).end(failed.join("\n"));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  const main = fileURLToPath(new URL("client-command.mjs", import.meta.url));
  return `${process.execPath} ${main} ${await portOf(server)}`;
}

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  whenFileEnds(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Runs the suite, and gives back what it printed. */
export async function conformance(...args: string[]): Promise<string> {
  const child = spawn("conformance", args, { stdio: ["ignore", "pipe", "pipe"] });
  const [printed, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return `${printed}\n${errors}`;
}
