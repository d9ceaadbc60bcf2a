import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";
import { text, type Text } from "@ciclo/contract";
import { type Child, type ChildSpec, startChild } from "./child.ts";

export type StdioOptions = ChildSpec & {
  /** Each line of standard error, and of what is no message on standard output. */
  /** `isWhole` is false of the beginning of a longer line. */
  onLog(line: string, isWhole: boolean): void;
};

/** One message; a line that grows beyond it ends the process. */
const maxMessageBytes = 16 * 1024 * 1024;
const maxLogLine = 2000;

/** MCP over a process's standard input and output: a line of JSON a message. */
export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  /** Why the process is gone, once it is. */
  ended: Text | null = null;
  readonly #options: StdioOptions;
  #child: Child | null = null;

  constructor(options: StdioOptions) {
    this.#options = options;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Nothing to do once it is launched, which tells a missing program from one that does not answer. */
  async start(): Promise<void> {
    if (this.#child === null) await this.launch();
  }

  /** Starts the process. Throws an error with `code` when there is no such program. */
  async launch(): Promise<void> {
    const child = await startChild(this.#options);
    this.#child = child;
    const { onLog } = this.#options;
    readLines(child.stderr, maxLogLine, { line: onLog, tooLong: "cut" });
    readLines(child.stdout, maxMessageBytes, {
      line: (line) => this.#receive(line),
      tooLong: () =>
        child.kill(
          text(
            `it sent a message over ${maxMessageBytes / 1_048_576} MB`,
            `enviou uma mensagem acima de ${maxMessageBytes / 1_048_576} MB`,
          ),
        ),
    });
    void this.#watchEnd(child);
  }

  send(message: JSONRPCMessage): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (this.#child === null || this.ended !== null) {
      reject(new Error(this.ended?.en ?? "not started"));
    } else {
      this.#child.stdin.write(`${JSON.stringify(message)}\n`, (error) =>
        error === null || error === undefined ? resolve() : reject(error),
      );
    }
    return promise;
  }

  async close(): Promise<void> {
    await this.#child?.stop();
  }

  async #watchEnd(child: Child): Promise<void> {
    const { detail } = await child.ended;
    this.ended = detail;
    this.#options.onLog(detail.en, true);
    this.onclose?.();
  }

  #receive(line: string): void {
    if (line.trim() === "") return;
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.#options.onLog(`not a message: ${line.slice(0, maxLogLine)}`, line.length <= maxLogLine);
      return;
    }
    this.onmessage?.(message as JSONRPCMessage);
  }
}

type LineReader = { line(line: string, isWhole: boolean): void; tooLong: "cut" | (() => void) };

/** Calls back for each line. Keeps no more than `max` bytes of one. */
function readLines(stream: NodeJS.ReadableStream, max: number, reader: LineReader): void {
  let parts: Buffer[] = [];
  let size = 0;
  const keep = (piece: Buffer): void => {
    const room = max - size;
    size += piece.length;
    if (piece.length <= room) parts.push(piece);
    else if (reader.tooLong !== "cut") reader.tooLong();
    else if (room > 0) parts.push(piece.subarray(0, room));
  };
  stream.on("data", (chunk: Buffer) => {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      keep(chunk.subarray(from, end));
      reader.line(Buffer.concat(parts).toString("utf8").replace(/\r$/, ""), size <= max);
      parts = [];
      size = 0;
      from = end + 1;
    }
    keep(chunk.subarray(from));
  });
}
