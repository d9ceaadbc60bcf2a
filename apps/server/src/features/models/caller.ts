import type { IncomingMessage } from "node:http";
import type { Actor } from "../../domain/actor.ts";
import { calledBy, type CallSubject, noSubject } from "../../domain/usage.ts";
import { Shared } from "../../lib/shared.ts";
import type { ModelPath } from "./paths.ts";
import type { Provider } from "./providers.ts";

/** The caller's token, wherever clients of the three APIs put it, as an `Authorization` header. */
export function tokenOf({ headers, url = "" }: IncomingMessage): string | undefined {
  if (headers.authorization !== undefined) return headers.authorization;
  const key = headers["x-api-key"] ?? headers["x-goog-api-key"] ?? /[?&]key=([^&]+)/.exec(url)?.[1];
  return typeof key === "string" ? `Bearer ${key}` : undefined;
}

/** How agents name a session: Claude Code, Codex (its session, and the thread of a sub-agent), opencode. */
export const sessionsOf = ({ headers }: IncomingMessage): string[] =>
  ["x-claude-code-session-id", "session-id", "thread-id", "x-session-id"].flatMap((name) => {
    const said = headers[name];
    return typeof said === "string" && said !== "" ? [said.slice(0, 200)] : [];
  });

/** Which attempt at one answer it is: the clients of OpenAI and Anthropic count their retries. */
export function attemptOf({ headers }: IncomingMessage): number {
  const said = headers["x-stainless-retry-count"];
  return typeof said === "string" && /^\d{1,3}$/.test(said) ? 1 + Number(said) : 1;
}

/** Agents by how their programs name themselves; `findings` and docs say who names itself otherwise. */
const agents: readonly (readonly [RegExp, string])[] = [
  [/^claude-(?:cli|code)\//, "claude-code"],
  [/^codex/, "codex"],
  [/^GeminiCLI/, "gemini-cli"],
  [/^QwenCode\//, "qwen-code"],
  [/^opencode\//, "opencode"],
  [/^copilot/i, "copilot-cli"],
];

export function agentOf({ headers }: Pick<IncomingMessage, "headers">): Program {
  const said = headers["user-agent"] ?? "";
  const named = agents.find(([form]) => form.test(said))?.[1] ?? said.split(/[/ (]/, 1)[0] ?? "";
  const version = /\/v?(\d[\w.-]*)/.exec(said)?.[1] ?? null;
  return { agent: named === "" ? null : named.slice(0, 100), agentVersion: version };
}

const subjects = new Shared<CallSubject>(5000);

/** What reports and budgets look at of a call: one object for calls that are alike. */
export function subjectOf(
  request: IncomingMessage,
  path: ModelPath,
  provider: Provider,
  model: string | null,
  actor: Actor,
): CallSubject {
  const { id, name, run } = actor;
  const alike = [id, name, path.method, provider.id, model, request.headers["user-agent"] ?? ""];
  const key = `${alike.join("\n")}${run === undefined ? "" : JSON.stringify(run)}`;
  return subjects.of(key, () => subjectAt(path, provider, model, { actor, program: agentOf(request) }));
}

type Program = Pick<CallSubject, "agent" | "agentVersion">;

/** The same of a program that is known. */
export function subjectAt(
  path: ModelPath,
  provider: Provider,
  model: string | null,
  { actor, program }: { actor: Actor; program: Program },
): CallSubject {
  return {
    ...noSubject,
    kind: "model",
    source: "endpoint",
    method: path.method,
    provider: provider.id,
    model,
    ...calledBy(actor, program),
  };
}
