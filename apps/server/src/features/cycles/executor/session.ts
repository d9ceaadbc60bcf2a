import { Readable, Writable } from "node:stream";
import type * as Sdk from "@agentclientprotocol/sdk";
import type { ClientContext, NewSessionRequest, RequestError } from "@agentclientprotocol/sdk";
import { text } from "@ciclo/contract";
import { Refusal } from "../../../errors.ts";
import { type Asked, type Leave, shownAsked } from "../permissions.ts";
import type { Started } from "../sandbox/run.ts";

export type AgentSession = {
  /** The work tree, as the agent sees it. */
  cwd: string;
  mcpServers: readonly { name: string; url: string }[];
  /** Of the agent's own modes, where it is started in one in which a model or nobody is asked. */
  mode?: string;
  /** Of the agent's own ways to sign in, where it asks for one. */
  signIn?: string;
  /** Whether it gets leave for what it asks. */
  leave(asked: Asked): Promise<Leave>;
  /** What it is told, one turn after the other. */
  turns: readonly string[];
  /** Called behind each turn, with why the agent ended it. */
  behindTurn(index: number, stopReason: string): Promise<void>;
  signal: AbortSignal;
};

/** What an agent did, by its own word. */
export type AgentWord = {
  agent: { name: string; version: string | null; protocol: number };
  stopReason: string;
  claims: string;
  permissions: { title: string; answer: "allowed" | "denied"; by: string | null }[];
  /** Why it broke off; null where it ended its turns. */
  broke: Refusal | null;
};

const mostClaims = 20_000;
const mostPermissions = 500;
const mostMessageBytes = 16 * 1024 * 1024;
/** How long an agent may take to exit once its input is closed. */
const endMs = 3000;
/** An agent that has not introduced itself by then never will. */
const helloMs = 60_000;

/**
 * Has an agent work, over the Agent Client Protocol. What it says is kept as its word: whether the work is done is found out
 * by others. Throws a `Refusal` (`upstream_failed`) where it does not speak the protocol; where it ends early or refuses later, that is
 * part of what is returned.
 */
export async function workWithAgent(started: Started, session: AgentSession): Promise<AgentWord> {
  // Loaded when it is needed: its schemas would take a third of the console's start.
  const acp = await import("@agentclientprotocol/sdk");
  const { methods } = acp;
  const said: Said = { agent: null, stopReason: "", claims: "", permissions: [] };
  const stream = acp.ndJsonStream(
    Writable.toWeb(started.stdin) as WritableStream<Uint8Array>,
    Readable.toWeb(started.stdout) as ReadableStream<Uint8Array>,
    { maxMessageBytes: mostMessageBytes },
  );
  const app = acp
    .client({ name: "ciclo" })
    .onRequest(methods.client.session.requestPermission, async ({ params }) => {
      const { title, toolCallId, rawInput } = params.toolCall;
      const asked = shownAsked(title ?? toolCallId, rawInput);
      const isRefused = asked === null || said.permissions.length >= mostPermissions;
      const { allowed, by } = isRefused ? { allowed: false, by: null } : await session.leave(asked);
      // Ids differ from agent to agent, and two options may be of one kind: the narrowest comes first.
      const kinds = allowed ? ["allow_once", "allow_always"] : ["reject_once", "reject_always"];
      const option = kinds
        .map((kind) => params.options.find((one) => one.kind === kind))
        .find((one) => one !== undefined);
      if (said.permissions.length < mostPermissions)
        said.permissions.push({
          title: asked?.title ?? tooLong,
          answer: allowed && option !== undefined ? "allowed" : "denied",
          by,
        });
      return {
        outcome:
          option === undefined
            ? { outcome: "cancelled" }
            : { outcome: "selected", optionId: option.optionId },
      };
    })
    .onNotification(methods.client.session.update, ({ params: { update } }) => {
      if (update.sessionUpdate === "agent_message_chunk" && update.content.type === "text")
        said.claims = (said.claims + update.content.text).slice(-mostClaims);
    });
  const over = started.ended.then(({ code, ended, stderr }) => {
    throw endedEarly(ended ?? `exit ${code}`, `${said.claims}\n${stderr.bytes.toString("utf8")}`);
  });
  const halted = new Promise<never>((_, reject) => {
    const stop = (): void => reject(session.signal.reason as Error);
    if (session.signal.aborted) stop();
    session.signal.addEventListener("abort", stop, { once: true });
  });
  let conversation: Promise<void> = Promise.reject(new Error("the agent did not connect"));
  conversation.catch(() => undefined);
  const work = app.connectWith(stream, (agent) => (conversation = converse(acp, agent, session, said)));
  let broke: Refusal | null = null;
  try {
    await Promise.race([work, over, halted]);
  } catch (error) {
    if (session.signal.aborted) throw error;
    broke = error instanceof acp.RequestError ? refused(error) : await whyBroken(started, said, error);
  } finally {
    // Whichever lost the race ends by what follows.
    for (const one of [work, over, halted]) one.catch(() => undefined);
    await finish(started);
    // What the last turn left may still be on its way into a commit.
    await Promise.allSettled([conversation]);
  }
  // An agent may exit as soon as it has ended its last turn.
  return wordOf(
    said,
    await conversation.then(
      () => null,
      () => broke,
    ),
  );
}

/** What breaks the conversation off is told by how the agent ended, and what it said. */
async function whyBroken(started: Started, { claims }: Said, error: unknown): Promise<Refusal> {
  if (error instanceof Refusal) return error;
  await finish(started);
  const { code, ended, stderr } = await started.ended;
  return endedEarly(ended ?? `exit ${code}`, `${claims}\n${stderr.bytes.toString("utf8")}`);
}

/** In the place of a question that nobody could read. */
const tooLong = "(too long to be shown)";

type Acp = Pick<typeof Sdk, "methods" | "PROTOCOL_VERSION">;
type Said = Omit<AgentWord, "agent" | "broke"> & { agent: AgentWord["agent"] | null };

/** What an agent said up to its end. Throws why it broke off where it had not even introduced itself. */
function wordOf({ agent, ...said }: Said, broke: Refusal | null): AgentWord {
  if (agent === null) throw broke ?? new Error("an agent has worked without a word");
  return { agent, ...said, stopReason: broke === null ? said.stopReason : "broke_off", broke };
}

async function converse(
  { methods, PROTOCOL_VERSION }: Acp,
  agent: ClientContext,
  session: AgentSession,
  said: Said,
): Promise<void> {
  const hello = AbortSignal.timeout(helloMs);
  const known = await agent.request(
    methods.agent.initialize,
    {
      protocolVersion: PROTOCOL_VERSION,
      // It works on the files itself: what it may touch is the sandbox's to say.
      clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
      clientInfo: { name: "ciclo", version: "1" },
    },
    { cancellationSignal: hello },
  );
  if (session.signIn !== undefined)
    await agent.request(methods.agent.authenticate, { methodId: session.signIn });
  const asked: NewSessionRequest = {
    cwd: session.cwd,
    mcpServers: session.mcpServers.map(({ name, url }) => ({ type: "http", name, url, headers: [] })),
  };
  const { sessionId, modes } = await agent.request(methods.agent.session.new, asked);
  if (session.mode !== undefined && modes?.availableModes.some(({ id }) => id === session.mode) === true)
    await agent.request(methods.agent.session.setMode, { sessionId, modeId: session.mode });
  const cancel = (): void =>
    void agent.notify(methods.agent.session.cancel, { sessionId }).catch(() => undefined);
  session.signal.addEventListener("abort", cancel, { once: true });
  said.stopReason = "end_turn";
  said.agent = {
    name: known.agentInfo?.name ?? "agent",
    version: known.agentInfo?.version ?? null,
    protocol: known.protocolVersion,
  };
  try {
    for (const [index, turn] of session.turns.entries()) {
      const { stopReason } = await agent.request(methods.agent.session.prompt, {
        sessionId,
        prompt: [{ type: "text", text: turn }],
      });
      said.stopReason = stopReason;
      await session.behindTurn(index, stopReason);
      if (stopReason !== "end_turn") break;
    }
  } finally {
    session.signal.removeEventListener("abort", cancel);
  }
}

/** Ends an agent as it should be ended, and by force where it does not end. */
async function finish(started: Started): Promise<void> {
  started.stdin.end();
  const force = setTimeout(() => started.end(), endMs);
  await started.ended;
  clearTimeout(force);
}

const lastLines = (said: string): string => said.trim().split("\n").slice(-8).join("\n").slice(-1500);

const endedEarly = (how: string, stderr: string): Refusal =>
  new Refusal(
    "upstream_failed",
    text(
      `The agent ended in the midst of its work (${how}). It said last: ${lastLines(stderr) || "nothing"}`,
      `O agente terminou no meio do trabalho (${how}). Por último disse: ${lastLines(stderr) || "nada"}`,
    ),
  );

function refused(error: RequestError): Refusal {
  const data = error.data === undefined ? "" : ` ${JSON.stringify(error.data).slice(0, 500)}`;
  const said = `${error.message.slice(0, 1000)}${data} (${error.code})`;
  return new Refusal(
    /\b402\b|budget/i.test(said) ? "budget_exceeded" : "upstream_failed",
    text(`The agent refused: ${said}`, `O agente recusou: ${said}`),
    { cause: error },
  );
}
