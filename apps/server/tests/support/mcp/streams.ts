import { whenFileEnds } from "../closing.ts";
import type { Person } from "../console.ts";
import { bearer } from "./gateway.ts";

/** What somebody holds open with a console. `ended` resolves when the console, and not the reader, ends it. */
export type OpenStream = { name: string; status: number; ended: Promise<"ended"> };

type At = { url: string };

export const hello = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } },
};

const accept = { accept: "application/json, text/event-stream" };

async function open(name: string, url: string, init: RequestInit): Promise<OpenStream> {
  const leave = new AbortController();
  whenFileEnds(() => leave.abort());
  const response = await fetch(url, { ...init, signal: leave.signal });
  const ended = read(response);
  return { name, status: response.status, ended };
}

async function read(response: Response): Promise<"ended"> {
  try {
    for await (const chunk of response.body ?? []) void chunk;
  } catch (error) {
    // Cut off in the middle is ended too; who leaves with the test has nothing more to say.
    if (!(error instanceof TypeError) && (error as Error).name !== "AbortError") throw error;
  }
  return "ended";
}

/** Begins a session with a legacy server behind the gateway. Returns its sealed id. */
export async function beginSession(
  { url }: At,
  path: string,
  person: Pick<Person, "token">,
): Promise<string> {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { ...bearer(person), ...accept, "content-type": "application/json" },
    body: JSON.stringify(hello),
  });
  await response.body?.cancel();
  return response.headers.get("mcp-session-id") ?? "";
}

/** A session's stream of messages from the server. */
export const openSession = (
  at: At,
  path: string,
  person: Pick<Person, "token">,
  session: string,
  headers = {},
) =>
  open(`GET ${path}`, `${at.url}${path}`, {
    headers: { ...bearer(person), ...headers, accept: "text/event-stream", "mcp-session-id": session },
  });

/** What a caller of today listens by. */
export const openSubscription = (
  at: At,
  path: string,
  person: Pick<Person, "token">,
  notifications: object = { toolsListChanged: true },
) =>
  open(`subscription ${path}`, `${at.url}${path}`, {
    method: "POST",
    headers: {
      ...bearer(person),
      ...accept,
      "content-type": "application/json",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "subscriptions/listen",
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 7,
      method: "subscriptions/listen",
      params: {
        notifications,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientCapabilities": {},
        },
      },
    }),
  });

export const openEvents = (at: At, path: string, person: Pick<Person, "token">) =>
  open(`events ${path}`, `${at.url}/api/v1${path}`, { headers: bearer(person) });
