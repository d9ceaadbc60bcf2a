import {
  type CallInput,
  createTransport,
  type EndpointName,
  type EndpointResponse,
  operations,
  type Problem,
  ProblemError,
  type Session,
} from "@ciclo/contract";
import { currentLocale } from "./i18n.ts";
import { NoAnswer } from "./problems.ts";

// Calls of this origin's API, in the language shown, with the session's cookie and CSRF token.

type Waiting = (signedIn: boolean) => void;

let csrfToken: string | null = null;
let onExpired: () => void = () => {};
let waiting: Waiting[] = [];

/** Keeps what writes need of the session. */
export const keepSession = (session: Session | null): void => {
  csrfToken = session?.csrf_token ?? null;
};

/** Called when the session has ended while the page is open. */
export const whenExpired = (listener: () => void): void => {
  onExpired = listener;
};

/** Lets the calls go on that met the end of the session; or fail, when somebody else signed in. */
export function resume(signedIn: boolean): void {
  const calls = waiting;
  waiting = [];
  for (const call of calls) call(signedIn);
}

/** The server of this very page: its answers are of the contract that the page was built with. */
const reader = {
  answer: (_: EndpointName, json: unknown) => json,
  problem(json: unknown): Problem {
    const isProblem = typeof json === "object" && json !== null && "code" in json && "detail" in json;
    if (!isProblem) throw new NoAnswer("this is not an answer of the console");
    return json as Problem;
  },
};

const client = () =>
  createTransport({ baseUrl: location.origin, locale: currentLocale(), fetch: send }, reader);

async function send(url: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  if (csrfToken !== null) headers.set("x-ciclo-csrf", csrfToken);
  try {
    return await fetch(url, { ...init, headers });
  } catch (error) {
    throw new NoAnswer("no answer came", { cause: error });
  }
}

/** One call as it is: throws `ProblemError` for a refusal, `NoAnswer` when none of the console came. */
export async function callOnce<N extends EndpointName>(
  name: N,
  input: CallInput<N> = {},
): Promise<EndpointResponse<N>> {
  try {
    return await client().call(name, input);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new NoAnswer("this is not an answer of the console", { cause: error });
  }
}

/**
 * A call that outlives its session: when the session has ended, it waits until the same
 * person has signed in again and is then made once more.
 */
export async function call<N extends EndpointName>(
  name: N,
  input: CallInput<N> = {},
): Promise<EndpointResponse<N>> {
  try {
    return await callOnce(name, input);
  } catch (error) {
    if (!isExpiry(error)) throw error;
    const signedIn = new Promise<boolean>((resolve) => waiting.push(resolve));
    // The first to notice has it looked into, for all.
    if (waiting.length === 1) onExpired();
    if (!(await signedIn)) throw error;
    return callOnce(name, input);
  }
}

/** A session that ended, or one that was reopened in another tab with another CSRF token. */
const isExpiry = (error: unknown): boolean =>
  error instanceof ProblemError && ["unauthenticated", "csrf_required"].includes(error.problem.code);

/** The address of an operation without parameters, for links and streams. */
export const addressOf = (name: EndpointName): string => `/api/v1${operations[name].path}`;

/** Saves what an address answers as a file, in the language that is shown. Throws `NoAnswer` or `ProblemError`. */
export async function download(path: string, name: string): Promise<void> {
  const response = await send(path, { headers: { "accept-language": currentLocale() } });
  if (!response.ok) throw new ProblemError(reader.problem(await response.json()));
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
