import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { z } from "zod";
import { sendJson } from "../lib/node-http.ts";
import { type Asked, type Reply, repliesIn } from "./replies.ts";

export type ReplayModel = { url: string; close(): Promise<void> };

const askedSchema = z.object({
  model: z.string(),
  messages: z.array(z.object({ role: z.string(), content: z.unknown() })),
});

/** What tells a phase, and an agent, that an earlier answer is to be mended. */
const again = /## What a reviewer says|It is not accepted yet/;

/** The only part of the plan that was not sent back. */
const whole = /Do part 1 of the work now: (?:Take the coupon off once|Descontar o cupom uma vez)/;

/**
 * A provider that speaks OpenAI's chat completions on a port of loopback, and answers with prepared replies. What it says it
 * used is what the texts come to at four characters a token.
 */
export async function openReplayModel(locale: "en" | "pt-BR"): Promise<ReplayModel> {
  const replies = repliesIn(locale);
  const server = createServer((request, response) => {
    void answered(request).then(
      (answer) => sendJson(response, 200, JSON.stringify(answer)),
      () => sendJson(response, 400, JSON.stringify({ error: { message: "The replay has no such reply" } })),
    );
  });
  async function answered(request: IncomingMessage): Promise<unknown> {
    const { model, messages } = askedSchema.parse(await json(request));
    const reply = replies[model];
    if (reply === undefined) throw new Error(`no replies of ${model}`);
    return completionOf(model, messages, reply(askedIn(messages)));
  }
  return { url: await listening(server), close: () => closed(server) };
}

async function listening(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function closed(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, "close");
}

type Message = z.infer<typeof askedSchema>["messages"][number];

function askedIn(messages: readonly Message[]): Asked {
  const prompt = messages.findLastIndex(({ role }) => role === "user");
  return {
    again: again.test(JSON.stringify(messages)),
    isWhole: whole.test(JSON.stringify(messages)),
    turn: messages.filter(({ role }) => role === "user").length,
    step: messages.slice(prompt).filter(({ role }) => role === "assistant").length,
  };
}

const tokensOf = (value: unknown): number => Math.ceil(JSON.stringify(value).length / 4);

function completionOf(model: string, messages: readonly Message[], { content, calls = [] }: Reply) {
  const message = {
    role: "assistant",
    content,
    ...(calls.length === 0
      ? {}
      : {
          tool_calls: calls.map(({ name, arguments: said }, index) => ({
            id: `call_${index + 1}`,
            type: "function",
            function: { name, arguments: JSON.stringify(said) },
          })),
        }),
  };
  const [asked, said] = [tokensOf(messages), tokensOf(message)];
  return {
    id: `chatcmpl-${crypto.randomUUID()}`,
    object: "chat.completion",
    created: Math.floor(Date.now() / 1000),
    model,
    choices: [{ index: 0, message, finish_reason: calls.length === 0 ? "stop" : "tool_calls" }],
    usage: { prompt_tokens: asked, completion_tokens: said, total_tokens: asked + said },
  };
}
