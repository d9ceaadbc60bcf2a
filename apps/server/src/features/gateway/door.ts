import type { IncomingMessage, ServerResponse } from "node:http";
import { routeOf } from "./edge.ts";
import type { Gateway } from "./gateway.ts";

/** Before the gateway, which is loaded when somebody comes: a console whose IDEs sleep goes without its weight. */
export class Door {
  readonly #load: () => Promise<Gateway>;
  #gateway: Gateway | null = null;
  #loading: Promise<Gateway> | null = null;

  constructor(load: () => Promise<Gateway>) {
    this.#load = load;
  }

  /** Whether a request is the gateway's to answer. */
  takes(request: IncomingMessage): boolean {
    return routeOf(request.url ?? "") !== null;
  }

  /** Answers a request that it takes. Rejects only where the gateway cannot be loaded. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gateway = this.#gateway ?? (await this.#loaded());
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

  async #loaded(): Promise<Gateway> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = null;
    });
    this.#gateway = await this.#loading;
    return this.#gateway;
  }
}
