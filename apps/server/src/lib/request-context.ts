import { AsyncLocalStorage } from "node:async_hooks";

/** The id of the HTTP request under way, so that whatever it causes can be traced back to it. */
export const currentRequestId = new AsyncLocalStorage<string>();
