import { StringDecoder } from "node:string_decoder";

/** What a program printed at a moment: milliseconds since it began, and the text. */
export type Frame = { ms: number; text: string };

const mostFrames = 20_000;
const mostCharacters = 2_000_000;
/** What comes closer together than a screen shows is one frame. */
const togetherMs = 15;

/** Keeps what a program prints with its times, both streams in the order in which they came, up to a size. */
export class Recorder {
  readonly #startedAt = performance.now();
  readonly #frames: Frame[] = [];
  #characters = 0;
  #isFull = false;

  /** Returns what takes in one stream. */
  stream(): (chunk: Buffer) => void {
    // A letter may come in two chunks.
    const decoder = new StringDecoder("utf8");
    return (chunk) => this.#add(decoder.write(chunk));
  }

  frames(): readonly Frame[] {
    return this.#frames;
  }

  #add(text: string): void {
    if (this.#isFull || text === "") return;
    const ms = performance.now() - this.#startedAt;
    const last = this.#frames.at(-1);
    if (this.#characters + text.length > mostCharacters || this.#frames.length >= mostFrames) {
      this.#isFull = true;
      this.#frames.push({ ms, text: "\n… the rest is not recorded\n" });
      return;
    }
    this.#characters += text.length;
    if (last !== undefined && ms - last.ms < togetherMs) last.text += text;
    else this.#frames.push({ ms, text });
  }
}
