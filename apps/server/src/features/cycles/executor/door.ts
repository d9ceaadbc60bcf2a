import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { once } from "node:events";

/** The console as an agent in the sandbox reaches it: a socket that leads to models and tools, and to nothing else. */
export type Door = {
  /** Where it is in the file system. */
  path: string;
  /** Whether a call was refused because a budget is used up: some agents say nothing of it, and end their turn. */
  isSpent(): boolean;
  close(): Promise<void>;
};

export type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

/** What is behind the door. Whatever an agent asks for is asked with the token of its run, whatever it says itself. */
export type Behind = { answer: Answer; token: string };

const isOpen = /^\/(?:llm|mcp)(?:\/|$|\?)/;

export async function openDoor(folder: string, { answer, token }: Behind): Promise<Door> {
  // The path of a socket has little room: 107 bytes on Linux.
  const path = join(folder, "console.sock");
  await rm(path, { force: true });
  let isSpent = false;
  const server = createServer((request, response) => {
    if (!isOpen.test(request.url ?? "")) {
      response.writeHead(404, { "content-type": "text/plain" }).end("only /llm and /mcp are here\n");
      return;
    }
    response.once("finish", () => {
      isSpent ||= response.statusCode === 402;
    });
    // The agent has no credential that is worth anything outside: its own says nothing here.
    request.headers.authorization = `Bearer ${token}`;
    delete request.headers["x-api-key"];
    delete request.headers["x-goog-api-key"];
    // The port of the sandbox is the console's by another name.
    request.headers.host = "localhost";
    void answer(request, response);
  });
  server.listen(path);
  await once(server, "listening");
  return {
    path,
    isSpent: () => isSpent,
    async close() {
      server.closeAllConnections();
      server.close();
      await rm(path, { force: true });
    },
  };
}
