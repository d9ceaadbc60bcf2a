import { readFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { createOnce } from "./files.ts";

/**
 * The 32-byte master key: given as hex, or read from its file, which is made on first run.
 * Throws when the file holds anything else.
 */
export async function loadMasterKey(given: string | undefined, file: string): Promise<Buffer> {
  if (given !== undefined) return Buffer.from(given, "hex");
  await createOnce(file, `${randomBytes(32).toString("hex")}\n`);
  const hex = (await readFile(file, "utf8")).trim();
  if (!/^[0-9a-f]{64}$/i.test(hex)) {
    throw new Error(`CICLO_MASTER_KEY_FILE: ${file} must hold 64 hexadecimal characters`);
  }
  return Buffer.from(hex, "hex");
}
