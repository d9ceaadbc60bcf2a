import type { IncomingMessage, ServerResponse } from "node:http";
import type { Refusal } from "../../errors.ts";
import type { Logger } from "../../lib/logger.ts";
import { routeOf } from "./edge.ts";
import { refusalOf, sendRefusal } from "./refusals.ts";
import type { Gateway } from "./gateway.ts";

/** Before the gateway, which is loaded when somebody comes: a console whose IDEs sleep goes without its weight. */
export class Door {
  readonly #load: () => Promise<Gateway>;
  readonly #refusalOf: (error: unknown) => Refusal;
  #gateway: Gateway | null = null;
  #loading: Promise<Gateway> | null = null;

  constructor(load: () => Promise<Gateway>, logger: Logger) {
    this.#load = load;
    this.#refusalOf = (error) => refusalOf(error, logger);
  }

  /** Whether a request is the gateway's to answer. */
  takes(request: IncomingMessage): boolean {
    return routeOf(request.url ?? "") !== null;
  }

  /** Answers a request that it takes. Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let gateway: Gateway;
    try {
      gateway = this.#gateway ?? (await this.#loaded());
    } catch (error) {
      // What it needs from the database may be out of reach for the moment.
      sendRefusal(request, response, null, this.#refusalOf(error));
      return;
    }
    await gateway.handle(request, response);
  }

  /** Takes in that servers, tools or policies changed. */
  serversChanged(): void {
    this.#gateway?.serversChanged();
  }

  /** Takes in that something about access may have changed. */
  accessChanged(): void {
    this.#gateway?.accessChanged();
  }

  /** Ends what somebody listens to, so that the server can stop. Calls go on. */
  closeStreams(): void {
    this.#gateway?.closeStreams();
  }

  /** Resolves when what was to be recorded of calls is recorded. */
  async settled(): Promise<void> {
    await this.#gateway?.settled();
  }

  async #loaded(): Promise<Gateway> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = null;
    });
    this.#gateway = await this.#loading;
    return this.#gateway;
  }
}
