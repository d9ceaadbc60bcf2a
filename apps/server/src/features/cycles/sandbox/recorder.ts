import { StringDecoder } from "node:string_decoder";

/** What a program printed at a moment: milliseconds since it began, and the text. */
export type Frame = { ms: number; text: string };

const mostFrames = 20_000;
/** Letters as the recording holds them: a line end takes four. */
const mostLetters = 2_000_000;
/** What comes closer together than a screen shows is one frame. */
const togetherMs = 15;

/** Keeps what a program prints with its times, both streams in the order in which they came, up to a size. */
export class Recorder {
  readonly #startedAt = performance.now();
  readonly #frames: Frame[] = [];
  readonly #decoders: StringDecoder[] = [];
  #letters = 0;
  #isFull = false;

  /** Returns a function that records the chunks of one stream. */
  stream(): (chunk: Buffer) => void {
    // A letter may come in two chunks.
    const decoder = new StringDecoder("utf8");
    this.#decoders.push(decoder);
    return (chunk) => this.#add(decoder.write(chunk));
  }

  /** What was printed. Called when the streams have ended. */
  frames(): readonly Frame[] {
    for (const decoder of this.#decoders) this.#add(decoder.end());
    return this.#frames;
  }

  #add(text: string): void {
    if (this.#isFull || text === "") return;
    const ms = performance.now() - this.#startedAt;
    const room = mostLetters - this.#letters;
    const kept = text.length * 4 <= room ? text : cutTo(text, room);
    this.#letters += lettersOf(kept);
    const last = this.#frames.at(-1);
    if (last !== undefined && ms - last.ms < togetherMs) last.text += kept;
    else this.#frames.push({ ms, text: kept });
    if (kept.length === text.length && this.#frames.length < mostFrames) return;
    this.#isFull = true;
    this.#frames.push({ ms, text: "\n… the rest is not recorded\n" });
  }
}

const lettersOf = (text: string): number => text.length + 3 * (text.match(/\n/g)?.length ?? 0);

function cutTo(text: string, room: number): string {
  let letters = 0;
  for (let at = 0; at < text.length; at += 1) {
    letters += text[at] === "\n" ? 4 : 1;
    if (letters > room) return text.slice(0, at);
  }
  return text;
}
