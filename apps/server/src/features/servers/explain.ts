import { type Text, text } from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import { TooLargeError } from "../../lib/too-large.ts";

/** What went wrong between here and a server, and what to do: for people. Never with a credential. */
export function explainFailure(error: unknown, mask: (text: string) => string = (said) => said): Text {
  const refusal = refusalIn(error);
  if (refusal !== null) return refusal.detail;
  const causes = chainOf(error);
  for (const cause of causes) {
    const known = explainKnown(cause);
    if (known !== null) return masked(known, mask);
  }
  const said = mask(causes.map(({ message }) => message).find((message) => message !== "") ?? "failed");
  return text(said.slice(0, 500), said.slice(0, 500));
}

/** The refusal that an error comes from; null where it comes from none. */
export const refusalIn = (error: unknown): Refusal | null =>
  chainOf(error).find((cause) => cause instanceof Refusal) ?? null;

/** An error with all that caused it, the outermost first; those of an aggregate too. */
function chainOf(error: unknown): Error[] {
  const chain: Error[] = [];
  const open: unknown[] = [error];
  for (let next = open.shift(); next !== undefined && chain.length < 20; next = open.shift()) {
    if (!(next instanceof Error)) {
      chain.push(new Error(JSON.stringify(next)));
      continue;
    }
    chain.push(next);
    if (next instanceof AggregateError) open.push(...next.errors);
    const { data } = next as { data?: { cause?: unknown; error?: unknown } };
    open.push(...[next.cause, data?.cause, data?.error].filter((cause) => cause instanceof Error));
  }
  return chain;
}

function explainKnown(error: Error): Text | null {
  if (error instanceof TooLargeError)
    return text(
      `${error.message}; it was not read on`,
      `resposta grande demais: ${error.message}; não foi lida até o fim`,
    );
  const { code } = error as { code?: unknown };
  if (typeof code === "string" && code in byCode) return byCode[code]?.(error) ?? null;
  if (typeof code === "string" && /CERT|TLS|SSL|SELF_SIGNED/.test(code)) {
    return text(
      `Its TLS certificate is not accepted (${code})`,
      `Seu certificado TLS não é aceito (${code})`,
    );
  }
  const status = statusOf(error);
  if (status !== null) return explainStatus(status);
  if (error.name === "TimeoutError") return timedOut;
  if (error instanceof SyntaxError) {
    // The parser's own words quote a piece of the answer, cut off where no mask would know it.
    return text("It answers with what is no JSON", "Responde com algo que não é JSON");
  }
  return null;
}

const timedOut = text(
  "It did not answer in time. Raise timeouts.connect_ms if it is only slow",
  "Não respondeu a tempo. Aumente timeouts.connect_ms se for apenas lento",
);
const closed = text("It closed the connection before it had answered", "Fechou a conexão antes de responder");

const byCode: Record<string, (error: Error) => Text> = {
  ENOTFOUND: (error) => unknownHost(error),
  EAI_AGAIN: (error) => unknownHost(error),
  ECONNREFUSED: () =>
    text("Nothing listens at its address (connection refused)", "Nada escuta no endereço (conexão recusada)"),
  ECONNRESET: () => closed,
  EPIPE: () => closed,
  UND_ERR_SOCKET: () => closed,
  CONNECTION_CLOSED: () => closed,
  EHOSTUNREACH: () => text("Its host cannot be reached", "O host não pode ser alcançado"),
  ENETUNREACH: () => text("Its network cannot be reached", "A rede não pode ser alcançada"),
  ETIMEDOUT: () => timedOut,
  UND_ERR_CONNECT_TIMEOUT: () => timedOut,
  UND_ERR_HEADERS_TIMEOUT: () => timedOut,
  REQUEST_TIMEOUT: () => timedOut,
  ENOENT: (error) => noProgram(error, "was not found on PATH", "não foi encontrado no PATH"),
  EACCES: (error) => noProgram(error, "may not be executed", "não pode ser executado"),
};

function unknownHost(error: Error): Text {
  const { hostname } = error as { hostname?: string };
  return text(`The host ${hostname ?? ""} is not known to DNS`, `O host ${hostname ?? ""} não existe no DNS`);
}

function noProgram(error: Error, en: string, ptBR: string): Text {
  const { path } = error as { path?: string };
  return text(`The program ${path ?? ""} ${en}`, `O programa ${path ?? ""} ${ptBR}`);
}

/** The HTTP status that an SDK error carries, or that `ws` says in words. */
function statusOf(error: Error): number | null {
  const { data, status } = error as { data?: { status?: unknown }; status?: unknown };
  const said = /(?:Unexpected server response: |HTTP )(\d{3})/.exec(error.message)?.[1];
  const found = Number(data?.status ?? status ?? said);
  return Number.isInteger(found) && found >= 300 && found < 600 ? found : null;
}

/** What an HTTP status means where an MCP server should answer. */
export function explainStatus(status: number): Text {
  if (status < 400) {
    return text(
      `It redirects elsewhere (HTTP ${status}), which is not followed. Register the address it leads to`,
      `Redireciona para outro lugar (HTTP ${status}), o que não é seguido. Registre o endereço de destino`,
    );
  }
  if (status === 401 || status === 403) {
    return text(
      `It refuses the credentials (HTTP ${status}). Check the key that its configuration refers to`,
      `Recusa as credenciais (HTTP ${status}). Verifique a chave citada na configuração`,
    );
  }
  if (status === 404 || status === 405) {
    return text(
      `There is no MCP endpoint at its address (HTTP ${status})`,
      `Não há endpoint MCP no endereço (HTTP ${status})`,
    );
  }
  return text(`It answers HTTP ${status}`, `Responde HTTP ${status}`);
}

const masked = (said: Text, mask: (text: string) => string): Text => text(mask(said.en), mask(said["pt-BR"]));
