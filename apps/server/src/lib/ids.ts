import { randomUUID } from "node:crypto";

/** Row ids. Random: order is told by times and sequence numbers, never by an id. */
export const newId = (): string => randomUUID();
