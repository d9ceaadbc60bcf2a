import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { negotiateLocale, problemStatus, text } from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import type { MeteredCall } from "../../domain/usage.ts";
import { withBuffer } from "../../lib/buffered.ts";
import { Callers, type CallersDeps } from "../../lib/callers.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import type { Logger } from "../../lib/logger.ts";
import { discard, isMeantForUs, readBody, sendJson } from "../../lib/node-http.ts";
import type { OwnAddresses } from "../../lib/own-addresses.ts";
import { callsOf, Conversations } from "./calls.ts";
import { recordsOf, type Signal, takenAsJson, takenAsProtobuf, type TakenIn } from "./payload.ts";

export type ReceiverDeps = CallersDeps &
  OwnAddresses & {
    /** Hands calls to the ledger, which lets none be lost. Says how many are from a time that it does not keep. */
    report(calls: readonly MeteredCall[]): Promise<{ tooOld: number }>;
    logger: Logger;
    clock: Clock;
  };

/** Also of what is packed, once it is unpacked. Codex sends 2 MB for one short run. */
const maxBytes = 16 * 1024 * 1024;
const unpack = promisify(gunzip);

/** The signal that a request brings; null for what is none of OTLP's routes. */
export function signalOf(url: string): Signal | null {
  const found = /^(?:\/otlp)?\/v1\/(logs|metrics|traces)\/?(?:\?.*)?$/.exec(url)?.[1];
  return found === undefined ? null : (found as Signal);
}

/** OTLP over HTTP: what agents export. Of all that comes, what calls of models used is kept, and nothing else. */
export class Receiver {
  readonly #deps: ReceiverDeps;
  readonly #callers: Callers;
  readonly #conversations = new Conversations();

  constructor(deps: ReceiverDeps) {
    this.#deps = deps;
    this.#callers = new Callers(deps);
  }

  accessChanged(): void {
    this.#callers.forget();
  }

  /** Answers a request of one of the routes. Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse, signal: Signal): Promise<void> {
    try {
      await withBuffer(async (buffered) => {
        const { actor } = await this.#caller(request);
        const isProtobuf = kindOf(request);
        const sent = await readBody(request, maxBytes, buffered);
        if (sent === null) throw tooLarge();
        const records = recordsOf(signal, await unpacked(request, sent), isProtobuf);
        if (records === null) throw unreadable(signal);
        const { calls, unusable } = callsOf(records, actor, this.#conversations, stamp(this.#deps.clock()));
        const { tooOld } = calls.length === 0 ? { tooOld: 0 } : await this.#deps.report(calls);
        if (unusable > 0)
          this.#deps.logger.warn({ signal, unusable }, "records with unusable counts were left out");
        sendTaken(response, isProtobuf, answerOf(signal, { unusable, tooOld }));
      });
    } catch (error) {
      this.#refuse(request, response, error);
    }
  }

  async #caller(request: IncomingMessage) {
    if (request.method !== "POST")
      throw new Refusal("not_found", text("OTLP is sent by POST", "OTLP é enviado por POST"));
    if (!isMeantForUs(request, this.#deps))
      throw new Refusal(
        "policy_denied",
        text("Host or Origin is not this console's", "Host ou Origin não é desta console"),
      );
    // Some agents send the header of their variable as it stands there.
    const authorization = request.headers.authorization?.replace(/^Bearer%20/i, "Bearer ");
    return (
      this.#callers.known(authorization) ??
      (await this.#callers.ask(authorization, request.socket.remoteAddress ?? "local"))
    );
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    let refusal = error;
    if (!(refusal instanceof Refusal)) {
      this.#deps.logger.error({ err: error }, "an export could not be taken in");
      refusal = new Refusal(
        "internal",
        text("Something broke here; see the console's log", "Algo falhou aqui; veja o log da console"),
      );
    }
    const { code, detail, retryAfter } = refusal as Refusal;
    const status = problemStatus[code];
    const said = request.headers["accept-language"];
    const message = detail[negotiateLocale(typeof said === "string" ? said : undefined)];
    sendJson(response, status, JSON.stringify({ title: code, status, code, detail: message, message }), {
      "content-type": "application/problem+json",
      ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
    });
    discard(request);
  }
}

/** What the protocol calls a partial success: the exporter need not send again what was left out, and may say so. */
function answerOf(signal: Signal, { unusable, tooOld }: { unusable: number; tooOld: number }): TakenIn {
  if (unusable + tooOld === 0) return {};
  const message = `${unusable} with counts or times that cannot be right, ${tooOld} older than what is kept, or more than a day ahead`;
  return { partialSuccess: { rejected: unusable + tooOld, signal, errorMessage: message } };
}

function sendTaken(response: ServerResponse, isProtobuf: boolean, taken: TakenIn): void {
  if (!isProtobuf) {
    sendJson(response, 200, takenAsJson(taken));
    return;
  }
  const body = takenAsProtobuf(taken);
  response
    .writeHead(200, { "content-type": "application/x-protobuf", "content-length": body.length })
    .end(body);
}

function kindOf({ headers }: IncomingMessage): boolean {
  const said = (headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase();
  if (said === "application/x-protobuf") return true;
  if (said === "application/json") return false;
  throw new Refusal(
    "invalid_payload",
    text(
      "The content type is application/json or application/x-protobuf",
      "O content-type é application/json ou application/x-protobuf",
    ),
  );
}

async function unpacked({ headers }: IncomingMessage, sent: Buffer): Promise<Buffer> {
  const encoding = (headers["content-encoding"] ?? "identity").trim().toLowerCase();
  if (encoding === "identity") return sent;
  if (encoding !== "gzip")
    throw new Refusal(
      "invalid_payload",
      text("The content encoding is gzip, or none", "O content-encoding é gzip ou nenhum"),
    );
  try {
    return await unpack(sent, { maxOutputLength: maxBytes });
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge();
    throw new Refusal("invalid_payload", text("The body is no gzip", "O corpo não é gzip"), { cause: error });
  }
}

const tooLarge = (): Refusal =>
  new Refusal(
    "too_large",
    text(
      `An export is of ${maxBytes / 1_048_576} MB at most`,
      `Uma exportação é de no máximo ${maxBytes / 1_048_576} MB`,
    ),
  );

const unreadable = (signal: Signal): Refusal =>
  new Refusal(
    "invalid_payload",
    text(`The body is no OTLP export of ${signal}`, `O corpo não é uma exportação OTLP de ${signal}`),
  );
