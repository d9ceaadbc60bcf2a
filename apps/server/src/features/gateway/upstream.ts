import { type Text, text } from "@ciclo/contract";
import {
  type CallToolRequest,
  type Progress,
  ProtocolError,
  type Result,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  type Tool,
} from "@modelcontextprotocol/client";
import { Refusal } from "../../errors.ts";
import { newSequentialId } from "../../lib/ids.ts";
import type { Connection, ServerLink } from "../../domain/servers.ts";
import { unfinishedAnswer } from "../../lib/http.ts";
import { type Mask, maskDeep, maskResult } from "../../lib/mask-values.ts";
import type { BridgedRequest } from "./bridge.ts";
import { longestOf } from "./deadline.ts";
import { GatewayRefusal } from "./messages.ts";

type Asked = Pick<BridgedRequest, "method" | "params" | "signal" | "onProgress" | "caller">;

export type AskDeps = { explainFailure(error: unknown, mask: Mask): Text };

/** Asks a server over the console's own connection. Opens a new session once where the server has forgotten the old one. */
export async function askUpstream(
  { explainFailure }: AskDeps,
  link: ServerLink,
  asked: Asked,
  timeoutMs: number,
): Promise<Result> {
  const explain = (error: unknown, used: Connection): unknown =>
    explained({ link, used, timeoutMs, explainFailure }, error);
  const { onProgress } = asked;
  const masked =
    onProgress === null
      ? asked
      : { ...asked, onProgress: (news: Record<string, unknown>) => onProgress(maskResult(news, link.mask)) };
  const caller = asked.caller.actor.id ?? asked.caller.actor.name;
  const connection = await link.connectedFor(caller);
  try {
    return maskedResult(await send(connection, masked, timeoutMs), link.mask);
  } catch (error) {
    if (!isForgotten(error)) throw explain(error, connection);
  }
  let used = connection;
  try {
    used = await link.reconnectFor(caller, connection);
    return maskedResult(await send(used, masked, timeoutMs), link.mask);
  } catch (error) {
    throw explain(error, used);
  }
}

function send(
  { client, tools }: Connection,
  { method, params, signal, onProgress }: Asked,
  timeout: number,
): Promise<Result> {
  const rest = withoutEnvelope(params);
  const options = {
    signal,
    timeout,
    allowInputRequired: true,
    ...(onProgress === null
      ? {}
      : {
          onprogress: (progress: Progress) => onProgress({ ...progress }),
          resetTimeoutOnProgress: true,
          maxTotalTimeout: longestOf(timeout),
        }),
  };
  const called = method === "tools/call" ? tools.find(({ tool }) => tool.name === rest.name) : undefined;
  if (called?.hasHeaders === true) {
    // The SDK sends the arguments that the schema names as headers too. The result is the caller's to check.
    const { name, inputSchema } = called.tool as Tool;
    return client.callTool(rest as CallToolRequest["params"], {
      ...options,
      toolDefinition: { name, inputSchema },
    });
  }
  return client.request({ method: method as "tools/call", params: rest }, options);
}

/** Where a server finds by which name the console knows a call: what it reports of it is then counted once. */
const callKeyField = "io.ciclo/call-id";

/** The parameters of a call of a tool, with the name of the call. It has one from then on. */
export function withCallKey(
  params: Record<string, unknown>,
  call: { key?: string },
): Record<string, unknown> {
  call.key ??= `gateway:${newSequentialId()}`;
  const { _meta: meta } = params;
  const own = typeof meta === "object" && meta !== null ? meta : {};
  return { ...params, _meta: { ...own, [callKeyField]: call.key } };
}

/** The caller's envelope speaks of the caller's own connection. */
function withoutEnvelope({ _meta, ...params }: Record<string, unknown>): Record<string, unknown> {
  if (typeof _meta !== "object" || _meta === null) return params;
  const kept = Object.entries(_meta).filter(
    ([key]) => key !== "progressToken" && !key.startsWith("io.modelcontextprotocol/"),
  );
  return kept.length === 0 ? params : { ...params, _meta: Object.fromEntries(kept) };
}

const isForgotten = (error: unknown): boolean => error instanceof SdkHttpError && error.data.status === 404;

/** What the protocol answered goes on, masked as logs are; what broke is said as that. */
function explained(
  {
    link,
    used,
    timeoutMs,
    explainFailure,
  }: AskDeps & { link: ServerLink; used: Connection; timeoutMs: number },
  error: unknown,
): unknown {
  if (error instanceof ProtocolError)
    return error.code === unfinishedAnswer
      ? unfinished(link.id, error.message)
      : maskedError(error, link.mask);
  if (error instanceof Refusal || error instanceof GatewayRefusal || isAborted(error)) return error;
  if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout)
    return timedOut(link.id, timeoutMs);
  const why = used.ended() ?? explainFailure(error, link.mask);
  return new GatewayRefusal(
    "server_unavailable",
    text(
      `Server ${link.id} did not bring the call to its end: ${why.en}`,
      `O servidor ${link.id} não concluiu a chamada: ${why["pt-BR"]}`,
    ),
  );
}

const unfinished = (id: string, why: string): GatewayRefusal =>
  new GatewayRefusal(
    "server_unavailable",
    why.includes("too_large")
      ? text(
          `Server ${id}: the answer is over 16 MB; it was not read on`,
          `Servidor ${id}: a resposta passa de 16 MB; não foi lida até o fim`,
        )
      : text(
          `Server ${id}: it ended its answer before it had answered`,
          `Servidor ${id}: encerrou a resposta antes de responder`,
        ),
  );

const isAborted = (error: unknown): boolean => error instanceof Error && error.name === "AbortError";

const maskedResult = (result: Result, mask: Mask): Result =>
  result.isError === true ? maskDeep(result, mask) : maskResult(result, mask);

function maskedError(error: ProtocolError, mask: Mask): ProtocolError {
  const said = [error.message, error.data ?? null];
  const masked = maskDeep(said, mask);
  if (masked === said) return error;
  const [message, data] = masked as [string, unknown];
  return new ProtocolError(error.code, message, data ?? undefined);
}

export const timedOut = (id: string, timeoutMs: number): GatewayRefusal =>
  new GatewayRefusal(
    "timeout",
    text(
      `Server ${id} did not answer within ${timeoutMs} ms. Raise timeouts.call_ms if the call takes that long`,
      `O servidor ${id} não respondeu em ${timeoutMs} ms. Aumente timeouts.call_ms se a chamada demora tanto`,
    ),
  );
