/** Of one answer; of one event where the answer is a stream of them. */
export const maxMessageBytes = 16 * 1024 * 1024;

/** A server's answer goes beyond what is read. */
export class TooLargeError extends Error {
  constructor() {
    super(`the answer is over ${maxMessageBytes / 1_048_576} MB`);
  }
}
