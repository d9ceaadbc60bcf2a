import { text } from "@ciclo/contract";
import { Refusal } from "../errors.ts";

const most = 128 * 1024 * 1024;
let held = 0;

/** What one request has in memory until it is answered. Together they may not hold more than the process can bear. */
export class Buffered {
  #bytes = 0;

  /** Counts bytes that are kept. Refuses where all requests together would hold too many. */
  keep(bytes: number): void {
    if (held + bytes > most) throw tooMuch();
    held += bytes;
    this.#bytes += bytes;
  }

  /** Counts all of it off. */
  letGo(): void {
    held -= this.#bytes;
    this.#bytes = 0;
  }
}

const tooMuch = (): Refusal =>
  new Refusal(
    "rate_limited",
    text(
      `The console is taking in ${most / 1_048_576} MB already, which is all it takes at once. Try again in 2 s`,
      `A console já está recebendo ${most / 1_048_576} MB, o máximo de uma vez. Tente de novo em 2 s`,
    ),
    { retryAfter: 2, quiet: true },
  );

/** Does work that keeps bytes, and lets go of them however it ends. */
export async function withBuffer<T>(work: (buffered: Buffered) => Promise<T>): Promise<T> {
  const buffered = new Buffered();
  try {
    return await work(buffered);
  } finally {
    buffered.letGo();
  }
}
