import type { Client, StandardSchemaV1 } from "@modelcontextprotocol/client";
import { z } from "zod";
import { type HandshakeStepName, isCredential, type Text, text } from "@ciclo/contract";
import type { Connection, ListedTool, OfferedTool, StepReport } from "../../domain/servers.ts";
import { type Mask, maskDeep, maskStart, maskValues } from "../../lib/mask-values.ts";
import { explainFailure, refusalIn } from "./explain.ts";
import {
  type ConnectDeps,
  connectMsOf,
  defaultCallMs,
  type Handshake,
  open,
  type Opened,
  resolve,
  type Target,
  type Told,
} from "./opening.ts";
import { secretsOf } from "./specs.ts";
import { inspectTool, oddTool } from "./tools.ts";

export type ConnectOptions = {
  /** Nobody has approved the server: its process runs only in the sandbox, and only where policy lets it start so early. */
  unapproved?: boolean;
  /** Whose connection it is, where callers do not share one. */
  caller?: string;
  signal?: AbortSignal;
  onStep?(step: StepReport): void;
  onLog?(line: string): void;
};

/** A handshake that failed at a step. `detail` says why, in both languages. */
export class HandshakeError extends Error {
  readonly step: HandshakeStepName;
  readonly detail: Text;
  constructor(step: HandshakeStepName, detail: Text, cause: unknown) {
    super(detail.en, { cause });
    this.step = step;
    this.detail = detail;
  }
}

/**
 * How long a process may take for the first question, which is one of 2026-07-28: older ones may never answer it. A server over
 * the network that is silent is down or slow, never old: it has `timeouts.connect_ms`.
 */
const probeMs = 5000;
const maxPages = 100;
const maxTools = 5000;

/**
 * Shakes hands with a server: resolve → connect → negotiate → list_tools → done, each step
 * told as it goes. Takes `timeouts.connect_ms` in all. Throws `HandshakeError`; nothing is left open then.
 */
export async function connect(
  deps: ConnectDeps,
  target: Target,
  options: ConnectOptions = {},
): Promise<Connection> {
  const { server } = target;
  const limit = AbortSignal.timeout(connectMsOf(server));
  const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
  const mask = maskValues([...secretsOf(server, target), ...credentialsOf(deps.environment)]);
  const onLog = (line: string, isWhole: boolean): void =>
    options.onLog?.(isWhole ? mask(line) : maskStart(line, mask));
  const handshake = {
    deps,
    target,
    signal,
    mask,
    onLog,
    unapproved: options.unapproved ?? false,
    caller: options.caller ?? null,
  };
  const step = stepper(options, signal, mask);
  const resolved = await step("resolve", () => resolve(handshake));
  let opening: Promise<Told<Opened>> | null = null;
  try {
    const opened = await step("connect", () => (opening = open(handshake, resolved.value)));
    const client = await step("negotiate", () => negotiate(handshake, opened.value));
    const connection = describe(client, opened.value, mask);
    const tools = await step("list_tools", () => listed(connection, signal));
    await step("done", async () => ({ value: null, detail: text("Ready", "Pronto") }));
    return { ...connection, tools: tools.value };
  } catch (error) {
    await closeOpened(opening);
    throw error;
  }
}

/** Of what the operator passes on to servers: a proxy's address with its password, say. */
const credentialsOf = (environment: ConnectDeps["environment"]): string[] =>
  Object.entries(environment).flatMap(([name, value = ""]) => (isCredential(name, value) ? [value] : []));

/** Closes what was opened, or still is being opened when the handshake is given up. */
async function closeOpened(opening: Promise<Told<Opened>> | null): Promise<void> {
  const [outcome] = await Promise.allSettled([opening]);
  if (outcome.status === "fulfilled") await outcome.value?.value.close();
}

type Stepper = <T>(step: HandshakeStepName, work: () => Promise<Told<T>>) => Promise<Told<T>>;

function stepper(options: ConnectOptions, signal: AbortSignal, mask: (said: string) => string): Stepper {
  return async (step, work) => {
    const start = performance.now();
    const tell = (status: StepReport["status"], detail: Text): void =>
      options.onStep?.({
        step,
        status,
        ms: status === "running" ? null : Math.round((performance.now() - start) * 10) / 10,
        detail,
      });
    tell("running", text("", ""));
    try {
      const told = await abortable(work(), signal);
      tell("ok", text(mask(told.detail.en), mask(told.detail["pt-BR"])));
      return told;
    } catch (error) {
      const detail = explainFailure(error, mask);
      tell("failed", detail);
      throw error instanceof HandshakeError
        ? error
        : new HandshakeError(step, detail, refusalIn(error) ?? error);
    }
  };
}

/** Rejects as soon as the signal says so, whatever the work does. */
function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason as Error);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  // The work may fail after it was given up.
  work.catch(() => {});
  return Promise.race([work, aborted.promise]).finally(() => signal.removeEventListener("abort", abort));
}

/** Settles on a protocol revision: the newest that both speak. */
async function negotiate(
  { deps, target: { server }, signal }: Handshake,
  opened: Opened,
): Promise<Told<Client>> {
  const attempt = async (mode: "auto" | "legacy"): Promise<Client> => {
    const { Client: SdkClient, SseError } = await import("@modelcontextprotocol/client");
    const probe = server.transport === "stdio" ? { timeoutMs: probeMs } : {};
    const client = new SdkClient(
      { name: "ciclo", version: deps.version },
      { versionNegotiation: { mode, probe }, inputRequired: { autoFulfill: false } },
    );
    opened.client = client;
    // The SDK opens a stream that has ended again, and waits for answers that belong to the session before.
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK's client is no event target
    client.onerror = (error) => {
      if (error instanceof SseError) void client.close();
    };
    await client.connect(await opened.transport(), { signal, timeout: connectMsOf(server) });
    return client;
  };
  const client = await attempt("auto")
    .catch(async (error: unknown) => {
      // A server that ends or hangs up at a question it does not know is one of before.
      if (server.transport !== "stdio" || opened.stdio?.ended == null || signal.aborted) throw error;
      return attempt("legacy");
    })
    .catch((error: unknown) => {
      throw opened.stdio?.ended == null ? error : new HandshakeError("negotiate", opened.stdio.ended, error);
    });
  const revision = client.getNegotiatedProtocolVersion() ?? "";
  const info = client.getServerVersion();
  const who = info === undefined ? "" : `${info.name} ${info.version}, `;
  return {
    value: client,
    detail: text(`${who}protocol ${revision}`, `${who}protocolo ${revision}`),
  };
}

function describe(told: Told<Client>, opened: Opened, mask: Mask): Omit<Connection, "tools"> {
  const client = told.value;
  const info = client.getServerVersion();
  let onEnd: ((why: Text) => void) | null = null;
  let isAskedTo = false;
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK's client is no event target
  client.onclose = () => {
    if (!isAskedTo) onEnd?.(opened.stdio?.ended ?? connectionEnded);
  };
  return {
    client,
    era: client.getProtocolEra() ?? "legacy",
    protocolVersion: client.getNegotiatedProtocolVersion() ?? "",
    serverInfo: info === undefined ? null : maskDeep({ name: info.name, version: info.version }, mask),
    http: opened.http,
    pid: opened.stdio?.pid ?? null,
    ended: () => opened.stdio?.ended ?? null,
    listTools: (signal) => listTools(client, mask, signal),
    onEnd(listener) {
      onEnd = listener;
    },
    async close() {
      isAskedTo = true;
      await opened.close();
    },
  };
}

const connectionEnded = text("the connection ended", "a conexão terminou");

async function listed(
  connection: Pick<Connection, "listTools">,
  signal: AbortSignal,
): Promise<Told<OfferedTool[]>> {
  const tools = await connection.listTools(signal);
  const count = tools.length;
  return { value: tools, detail: text(`${count} tools`, `${count} ferramentas`) };
}

const rawList = z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.string().nullish() });

/** `inputSchema.type: expected "object"`. */
const whatIsOdd = ({ path = [], message }: StandardSchemaV1.Issue): string => {
  const place = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
  return `${place === "" ? "" : `${place}: `}${message}`.slice(0, 300);
};

async function listTools(client: Client, mask: Mask, signal?: AbortSignal): Promise<OfferedTool[]> {
  if (client.getServerCapabilities()?.tools === undefined) return [];
  const { specTypeSchemas } = await import("@modelcontextprotocol/client");
  const tools: OfferedTool[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < maxPages; page += 1) {
    const params = cursor === undefined ? {} : { cursor };
    const result = await client.request(
      { method: "tools/list", params },
      // Each is looked at by itself: one that is odd must not take the others with it.
      rawList,
      { ...(signal === undefined ? {} : { signal }), timeout: defaultCallMs },
    );
    // A definition is stored and shown: the key that a server writes into it is not.
    for (const listed of maskDeep(result.tools, mask)) {
      const checked = specTypeSchemas.Tool["~standard"].validate(listed);
      const issue = checked.issues?.[0];
      tools.push(
        issue === undefined
          ? inspectTool(listed as ListedTool)
          : oddTool(listed, tools.length, whatIsOdd(issue)),
      );
    }
    if (tools.length > maxTools) break;
    const next = result.nextCursor ?? undefined;
    if (next === undefined || next === cursor) return tools;
    cursor = next;
  }
  throw new HandshakeError(
    "list_tools",
    text(
      `It lists more than ${maxTools} tools, or never ends listing`,
      `Lista mais de ${maxTools} ferramentas, ou nunca termina`,
    ),
    null,
  );
}
