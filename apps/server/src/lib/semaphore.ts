import { text } from "@ciclo/contract";
import { Refusal } from "../errors.ts";

/** Lets at most so many pieces of work run at once; the rest wait in order. Beyond so many who wait it refuses. */
export class Semaphore {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  readonly #mostWaiting: number;

  constructor(places: number, mostWaiting = Infinity) {
    this.#free = places;
    this.#mostWaiting = mostWaiting;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) {
      this.#free -= 1;
    } else if (this.#waiting.length >= this.#mostWaiting) {
      throw tooMany(this.#mostWaiting);
    } else {
      const turn = Promise.withResolvers<void>();
      this.#waiting.push(() => turn.resolve());
      await turn.promise;
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}

const tooMany = (most: number): Refusal =>
  new Refusal(
    "rate_limited",
    text(
      `${most} others wait for their turn already. Try again in a moment`,
      `Já há ${most} outros aguardando a vez. Tente de novo em instantes`,
    ),
    { retryAfter: 5, quiet: true },
  );
