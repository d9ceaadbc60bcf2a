import { spawn } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

/** Answers git over HTTP for one bare repository, by git's own server. `path` is behind the repository's address: `/info/refs`. */
export async function serveGit(
  { repository, path }: { repository: string; path: string },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { searchParams } = new URL(request.url ?? "/", "http://forge");
  const child = spawn("git", ["-c", "http.receivepack=true", "http-backend"], {
    stdio: ["pipe", "pipe", "inherit"],
    env: {
      PATH: process.env["PATH"] ?? "",
      GIT_PROJECT_ROOT: repository,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: path,
      REQUEST_METHOD: request.method ?? "GET",
      QUERY_STRING: searchParams.toString(),
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      REMOTE_USER: "console",
    },
  });
  request.pipe(child.stdin);
  const said = await buffer(child.stdout);
  const end = said.indexOf("\r\n\r\n");
  const lines = said.toString("latin1", 0, end).split("\r\n");
  const headers = Object.fromEntries(lines.map((line) => line.split(/:\s*/, 2) as [string, string]));
  const { Status: status = "200", ...rest } = headers;
  response.writeHead(Number.parseInt(status, 10), rest).end(said.subarray(end + 4));
}
