import type {
  EndpointBody,
  EndpointName,
  EndpointParams,
  EndpointQuery,
  EndpointResponse,
  endpoints,
  Locale,
} from "@ciclo/contract";
import type { Authenticated } from "./access.ts";
import type { Actor } from "./actor.ts";

/** What a handler gets: everything parsed and permitted. */
export type Call<N extends EndpointName> = {
  /** Anonymous on public endpoints. */
  actor: Actor;
  authenticated: Authenticated | null;
  params: EndpointParams<N>;
  query: EndpointQuery<N>;
  body: EndpointBody<N>;
  locale: Locale;
  address: string;
  header(name: string): string | undefined;
  setSessionCookie(value: string, maxAgeSeconds: number): void;
};

/** Puts an endpoint of the contract on the HTTP server. */
export type Mount = <N extends EndpointName>(
  name: N,
  handler: (call: Call<N>) => Promise<Answer<N>> | Answer<N>,
) => void;

type Answer<N extends EndpointName> =
  EndpointResponse<N> extends undefined
    ? (typeof endpoints)[N] extends { stream: string }
      ? ReadableStream<Uint8Array>
      : void
    : EndpointResponse<N>;
