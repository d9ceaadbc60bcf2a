import { randomBytes } from "node:crypto";
import { readFile, rename, stat } from "node:fs/promises";
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
 * The master key: given as hex, or read from its file, which is made on first run. Throws when the file holds anything
 * else, when others may read it, or when it is gone though something is encrypted with it.
 */
export async function openMasterKey(
  given: string | undefined,
  file: string,
  isNeeded: () => Promise<boolean>,
): Promise<MasterKey> {
  if (given !== undefined) return fixed(Buffer.from(given, "hex"));
  // A restored home must not be given another key: with it nothing that is stored could ever be read.
  if (
    (await readIfThere(file)) === null &&
    (await readIfThere(`${file}.next`)) === null &&
    (await isNeeded())
  ) {
    throw new MasterKeyError(
      `CICLO_MASTER_KEY_FILE: ${file} is not there, and the stored keys need it. Restore it from its backup; no other can take its place`,
    );
  }
  await createOnce(file, newLine());
  await refuseShared(file);
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

/** A key that others on the machine can read is theirs too. */
async function refuseShared(file: string): Promise<void> {
  const { mode } = await stat(file);
  if (process.platform === "win32" || (mode & 0o077) === 0) return;
  throw new MasterKeyError(
    `CICLO_MASTER_KEY_FILE: others may read ${file} (mode ${(mode & 0o777).toString(8)}). Run: chmod 600 ${file}; if they had the time, rotate it after: ciclo keys rotate-master`,
  );
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
