import { randomBytes } from "node:crypto";
import { readFile, rename } from "node:fs/promises";
import { createOnce, readIfThere } from "./files.ts";

/** A master key that cannot be used. `message` is one line that names the variable. */
export class MasterKeyError extends Error {}

/** The 32-byte key that wraps all others. */
export type MasterKey = {
  current(): Buffer;
  /** Reads it again, after it was rotated beside this process. The same one where it is given by value. */
  reload(): Promise<Buffer>;
  /**
   * Makes another one the master key: `adopt` puts it to use, and what it does stands before the
   * file changes. Null when the key is given by value and so is not ours to change.
   */
  replace: ((adopt: (next: Buffer) => Promise<void>) => Promise<void>) | null;
  /** The one that a rotation which broke off may have left. */
  pending(): Promise<Buffer | null>;
  /** Makes the pending one the master key. */
  settle(): Promise<Buffer>;
};

/**
 * The master key: given as hex, or read from its file, which is made on first run.
 * Throws when the file holds anything else.
 */
export async function openMasterKey(given: string | undefined, file: string): Promise<MasterKey> {
  if (given !== undefined) return fixed(Buffer.from(given, "hex"));
  await createOnce(file, newLine());
  const next = `${file}.next`;
  let current = await readKey(file);
  const reload = async (): Promise<Buffer> => (current = await readKey(file));
  const settle = async (): Promise<Buffer> => {
    if ((await readIfThere(next)) !== null) await rename(next, file);
    return reload();
  };
  return {
    current: () => current,
    reload,
    async replace(adopt) {
      // One that broke off goes on with the key it had made.
      await createOnce(next, newLine());
      await adopt(await readKey(next));
      await settle();
    },
    pending: async () => ((await readIfThere(next)) === null ? null : readKey(next)),
    settle,
  };
}

const fixed = (key: Buffer): MasterKey => ({
  current: () => key,
  reload: () => Promise.resolve(key),
  replace: null,
  pending: () => Promise.resolve(null),
  settle: () => Promise.resolve(key),
});

const newLine = (): string => `${randomBytes(32).toString("hex")}\n`;

async function readKey(file: string): Promise<Buffer> {
  const hex = (await readFile(file, "utf8")).trim();
  if (!/^[0-9a-f]{64}$/i.test(hex)) {
    throw new MasterKeyError(`CICLO_MASTER_KEY_FILE: ${file} must hold 64 hexadecimal characters`);
  }
  return Buffer.from(hex, "hex");
}
