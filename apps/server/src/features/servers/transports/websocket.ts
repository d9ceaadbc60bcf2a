import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";
import type { LookupFunction } from "node:net";
import { once } from "node:events";
import { WebSocket } from "ws";

export type WebSocketOptions = {
  headers: Readonly<Record<string, string>>;
  /** Hands out allowed addresses only. */
  lookup: LookupFunction;
  connectMs: number;
};

const maxMessageBytes = 16 * 1024 * 1024;

/** MCP over a WebSocket: a text message of JSON a message, subprotocol `mcp`. */
export class WebSocketTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #url: URL;
  readonly #options: WebSocketOptions;
  #socket: WebSocket | null = null;

  constructor(url: URL, options: WebSocketOptions) {
    this.#url = url;
    this.#options = options;
  }

  async start(): Promise<void> {
    const { headers, lookup, connectMs } = this.#options;
    const socket = new WebSocket(this.#url, "mcp", {
      headers,
      lookup,
      handshakeTimeout: connectMs,
      maxPayload: maxMessageBytes,
      followRedirects: false,
    });
    this.#socket = socket;
    socket.on("error", (error) => this.onerror?.(error));
    await once(socket, "open");
    socket.on("message", (data, isBinary) => {
      if (!isBinary) this.#receive((data as Buffer).toString("utf8"));
    });
    socket.on("close", () => this.onclose?.());
  }

  send(message: JSONRPCMessage): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = this.#socket;
    if (socket === null || socket.readyState !== WebSocket.OPEN)
      reject(new Error("the connection is closed"));
    else socket.send(JSON.stringify(message), (error) => (error == null ? resolve() : reject(error)));
    return promise;
  }

  close(): Promise<void> {
    this.#socket?.terminate();
    return Promise.resolve();
  }

  #receive(source: string): void {
    try {
      this.onmessage?.(JSON.parse(source) as JSONRPCMessage);
    } catch (error) {
      this.onerror?.(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
