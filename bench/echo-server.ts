import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";

/**
 * The server that gateways are measured in front of, in a process of its own: at `/mcp` an echo tool as the
 * SDK serves it by default, and at `/many/N` servers of ten tools each that answer lists by hand.
 */
const echo = toNodeHandler(
  createMcpHandler(() => {
    const server = new McpServer({ name: "echo", version: "1.0.0" });
    server.registerTool(
      "echo",
      { description: "Says it again", inputSchema: z.object({ text: z.string() }) },
      ({ text }) => ({ content: [{ type: "text", text }] }),
    );
    return server;
  }),
);

const property = { type: "string", description: "One of the things that the tool wants to know" };
const tools = Array.from({ length: 10 }, (_, index) => ({
  name: `tool_${index}`,
  description: "Looks something up, and says what it found, as tools of this kind do.",
  inputSchema: { type: "object", properties: { query: property, scope: property }, required: ["query"] },
}));
const answers: Record<string, object> = {
  initialize: {
    protocolVersion: "2025-11-25",
    capabilities: { tools: {} },
    serverInfo: { name: "many", version: "1.0.0" },
  },
  "tools/list": { tools },
};

async function answerMany(request: IncomingMessage): Promise<object | null> {
  const { id, method } = (await json(request)) as { id?: number; method: string };
  if (id === undefined) return null;
  const result = answers[method];
  const body = result === undefined ? { error: { code: -32601, message: "Method not found" } } : { result };
  return { jsonrpc: "2.0", id, ...body };
}

const server = createServer((request, response) => {
  if (!request.url?.startsWith("/many/")) void echo(request, response);
  else if (request.method !== "POST") response.writeHead(405).end();
  else {
    void answerMany(request).then((answer) =>
      response
        .writeHead(answer === null ? 202 : 200, { "content-type": "application/json" })
        .end(answer === null ? "" : JSON.stringify(answer)),
    );
  }
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`listening on ${(server.address() as AddressInfo).port}\n`);
});
