import type {
  EndpointBodyInput,
  EndpointName,
  EndpointParams,
  EndpointQueryInput,
  EndpointResponse,
} from "./endpoints.ts";
import { type Operation, operations } from "./operations.ts";
import type { Problem } from "./problems.ts";

/** What an operation takes: only the parts that its endpoint has. */
export type CallInput<N extends EndpointName> = {
  params?: EndpointParams<N>;
  query?: EndpointQueryInput<N>;
  body?: EndpointBodyInput<N>;
  headers?: Record<string, string>;
};

export type ClientOptions = {
  /** `http://127.0.0.1:8787`, without `/api/v1`. */
  baseUrl: string;
  token?: string | undefined;
  locale?: string;
  fetch?: (input: string, init: RequestInit) => Response | Promise<Response>;
};

/** A refusal that the server explained. */
export class ProblemError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

export type Client = {
  call<N extends EndpointName>(name: N, input?: CallInput<N>): Promise<EndpointResponse<N>>;
};

/** How a client reads JSON that came: whether it is what the contract says. */
export type Reader = {
  answer(name: EndpointName, json: unknown): unknown;
  problem(json: unknown): Problem;
};

/**
 * A typed client over `fetch`. Throws `ProblemError` for a refusal,
 * and lets connection errors of `fetch` through.
 */
export function createTransport(options: ClientOptions, reader: Reader): Client {
  const send = options.fetch ?? ((input, init) => fetch(input, init));
  return {
    async call(name, input = {}) {
      const operation: Operation = operations[name];
      const response = await send(url(options.baseUrl, operation, input), {
        method: operation.method,
        headers: headers(options, input),
        ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
      });
      if (!response.ok) throw new ProblemError(reader.problem(await response.json()));
      const answer = response.status === 204 ? undefined : reader.answer(name, await response.json());
      return answer as EndpointResponse<typeof name>;
    },
  };
}

function url(baseUrl: string, operation: Operation, input: { params?: unknown; query?: unknown }): string {
  const params = (input.params ?? {}) as Record<string, string>;
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(params[name] ?? ""),
  );
  const query = Object.entries((input.query ?? {}) as Record<string, unknown>)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]): [string, string] => [name, String(value)]);
  const search = query.length === 0 ? "" : `?${new URLSearchParams(query).toString()}`;
  return `${baseUrl.replace(/\/$/, "")}/api/v1${path}${search}`;
}

function headers(options: ClientOptions, input: { body?: unknown; headers?: Record<string, string> }) {
  return {
    ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
    ...(options.locale === undefined ? {} : { "accept-language": options.locale }),
    ...(input.body === undefined ? {} : { "content-type": "application/json" }),
    ...input.headers,
  };
}
