import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { NodeStreamableHTTPServerTransport, toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { WebSocketServer } from "ws";
import { z } from "zod";
import { whenFileEnds } from "../closing.ts";

/** Real MCP servers over HTTP, made with the SDK, and some that do what none should. */

export type HttpServer = {
  url: string;
  requests: { method: string; headers: IncomingMessage["headers"] }[];
  close(): Promise<void>;
};

/** Listens on a free port of loopback. */
export async function listen(
  handler: RequestListener,
  path = "/mcp",
): Promise<HttpServer & { server: Server }> {
  const requests: HttpServer["requests"] = [];
  const server = createServer((request, response) => {
    requests.push({ method: request.method ?? "", headers: request.headers });
    handler(request, response);
  });
  whenFileEnds(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    server,
    url: `http://127.0.0.1:${port}${path}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

export type EchoOptions = {
  name?: string;
  description?: string;
  token?: string;
  /** One more argument that the tool takes, by name, with what is said of it. */
  argument?: [name: string, description: string];
};

/** Tools `echo`, `slow` and `whoami`; what they say can be changed while it runs. */
export function echoServer(options: EchoOptions): McpServer {
  const server = new McpServer({ name: options.name ?? "echo", version: "1.0.0" });
  server.registerTool(
    "echo",
    {
      description: options.description ?? "Says it again",
      inputSchema: z.object({
        text: z.string(),
        ...(options.argument === undefined
          ? {}
          : { [options.argument[0]]: z.string().optional().describe(options.argument[1]) }),
      }),
    },
    ({ text }) => ({ content: [{ type: "text", text }] }),
  );
  server.registerTool(
    "slow",
    { description: "Takes its time", inputSchema: z.object({ ms: z.number() }) },
    async ({ ms }, { mcpReq }) => {
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        mcpReq.signal.addEventListener("abort", () => {
          clearTimeout(timer);
          resolve(null);
        });
      });
      return { content: [{ type: "text", text: mcpReq.signal.aborted ? "aborted" : "done" }] };
    },
  );
  return server;
}

const refusedWithout = (
  options: EchoOptions,
  request: IncomingMessage,
  response: ServerResponse,
): boolean => {
  if (options.token === undefined || request.headers.authorization === `Bearer ${options.token}`)
    return false;
  response.writeHead(401, { "www-authenticate": "Bearer" }).end("no");
  return true;
};

/** Speaks 2026-07-28, and the revisions before it unless told to reject them. */
export function modernEcho(options: EchoOptions = {}, legacy: "stateless" | "reject" = "stateless") {
  const handle = toNodeHandler(createMcpHandler(() => echoServer(options), { legacy }));
  return listen((request, response) => {
    if (!refusedWithout(options, request, response)) void handle(request, response);
  });
}

/** Speaks the revisions before 2026-07-28 only, with sessions. */
export function legacyEcho(options: EchoOptions = {}) {
  const sessions = new Map<string, NodeStreamableHTTPServerTransport>();
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const id = request.headers["mcp-session-id"];
    const known = typeof id === "string" ? sessions.get(id) : undefined;
    if (id !== undefined && known === undefined) {
      response.writeHead(404).end();
      return;
    }
    if (known !== undefined) return known.handleRequest(request, response);
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (session) => void sessions.set(session, transport),
    });
    await echoServer(options).connect(transport);
    return transport.handleRequest(request, response, await json(request));
  };
  return Object.assign(
    listen((request, response) => {
      if (!refusedWithout(options, request, response)) void handle(request, response);
    }),
    { sessions },
  );
}

/** Speaks 2025-11-25 over a WebSocket, by hand. */
export async function webSocketEcho(): Promise<{ url: string }> {
  const { server, url } = await listen((_, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ server, handleProtocols: () => "mcp" });
  sockets.on("connection", (socket) => {
    socket.on("message", (data) => {
      const message = JSON.parse((data as Buffer).toString()) as {
        id?: number;
        method: string;
        params?: never;
      };
      const answer = wsAnswer(message);
      if (message.id !== undefined)
        socket.send(JSON.stringify({ jsonrpc: "2.0", id: message.id, ...answer }));
    });
  });
  return { url: url.replace("http:", "ws:") };
}

function wsAnswer({
  method,
  params,
}: {
  method: string;
  params?: { arguments?: { text?: string } };
}): object {
  const results: Record<string, object> = {
    initialize: {
      protocolVersion: "2025-11-25",
      capabilities: { tools: {} },
      serverInfo: { name: "socket", version: "1.0.0" },
    },
    "tools/list": {
      tools: [{ name: "echo", description: "Says it again", inputSchema: { type: "object" } }],
    },
    "tools/call": { content: [{ type: "text", text: params?.arguments?.text ?? "" }] },
  };
  const result = results[method];
  return result === undefined ? { error: { code: -32601, message: "Method not found" } } : { result };
}

/** Answers by hand: what `answer` says to each JSON-RPC message. */
export function scripted(
  answer: (
    message: { id?: number; method: string },
    response: ServerResponse,
    request: IncomingMessage,
  ) => void,
) {
  return listen((request, response) => {
    if (request.method !== "POST") {
      response.writeHead(405).end();
      return;
    }
    void json(request).then((message) =>
      answer(message as { id?: number; method: string }, response, request),
    );
  });
}

export type SseCall = {
  message: { id?: number; method: string; params?: { _meta?: { progressToken?: unknown } } };
  /** Of the POST that brought the message; not answered yet. */
  response: ServerResponse;
  /** Sends a message by the stream of events. */
  send(message: object): void;
  endStream(): void;
};

/** A sound server of the HTTP+SSE transport of 2024-11-05, but for the calls of tools, which `call` takes. */
export function scriptedSse(call: (asked: SseCall) => void, tools: readonly object[]) {
  let stream: ServerResponse | null = null;
  const send = (message: object): void => {
    stream?.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: "2.0", ...message })}\n\n`);
  };
  const take = (message: SseCall["message"], response: ServerResponse): void => {
    if (message.method === "tools/call") {
      call({ message, response, send, endStream: () => stream?.end() });
      return;
    }
    response.writeHead(202).end();
    const { id } = message;
    if (id !== undefined) send({ id, ...soundly(message.method, tools) });
  };
  return listen((request, response) => {
    if (request.method === "GET") {
      stream = response.writeHead(200, { "content-type": "text/event-stream" });
      stream.write("event: endpoint\ndata: /messages\n\n");
      return;
    }
    void json(request).then((message) => take(message as SseCall["message"], response));
  }, "/sse");
}

function soundly(method: string, tools: readonly object[]): object {
  const results: Record<string, object> = {
    initialize: {
      protocolVersion: "2025-11-25",
      capabilities: { tools: {} },
      serverInfo: { name: "scripted", version: "1.0.0" },
    },
    "tools/list": { tools },
    ping: {},
  };
  const result = results[method];
  return result === undefined ? { error: { code: -32601, message: "Method not found" } } : { result };
}

/** What a sound server of before answers, so that a script need only say what is different. */
export function soundAnswer(
  message: { id?: number; method: string },
  response: ServerResponse,
  tools: readonly object[] = [],
): void {
  if (message.id === undefined) response.writeHead(202).end();
  else
    response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify({ jsonrpc: "2.0", id: message.id, ...soundly(message.method, tools) }));
}
