import { text } from "@ciclo/contract";
import type { Buffered } from "./buffered.ts";
import { Refusal } from "../errors.ts";

/** The body, up to a size. Refuses with `too_large` without reading on. */
export async function readBody(request: Request, maxBytes: number, buffered: Buffered): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new Refusal(
        "too_large",
        text(`The body is over ${maxBytes} bytes`, `O corpo passa de ${maxBytes} bytes`),
      );
    }
    buffered.keep(chunk.length);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
