import { randomUUID, randomUUIDv7 } from "node:crypto";

/** Row ids. Random: order is told by times and sequence numbers, never by an id. */
export const newId = (): string => randomUUID();

/** Ids of rows that come in great number (RFC 9562, version 7): in order, so that an index grows at its end. */
export const newSequentialId = (): string => randomUUIDv7();
