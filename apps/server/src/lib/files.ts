import { randomUUID } from "node:crypto";
import {
  chmod,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";

/** Makes a folder that only its owner may enter. */
export async function privateFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await chmod(path, 0o700);
  return path;
}

/** Whether there is a file or folder. Throws where that cannot be told, for another user's folder say. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** The file's text, or null when there is none. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Creates a file that must not exist yet; false when it does. It is there whole, or not at all. */
export async function createOnce(path: string, contents: string): Promise<boolean> {
  await privateFolder(dirname(path));
  const draft = `${path}.${randomUUID()}`;
  try {
    const handle = await open(draft, "wx", 0o600);
    try {
      await handle.writeFile(contents);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(draft, path);
    return true;
  } catch (error) {
    if (isErrno(error, "EEXIST")) return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Replaces a small file of ours by another, whole or not at all. One caller at a time. */
export async function replaceFile(path: string, contents: string): Promise<void> {
  await writeFile(`${path}.new`, contents, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** Bytes that whoever runs the console may still write to the disk of a folder. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Names of what is in a folder; none where it is not there. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (!isMissing(error)) throw error;
    return [];
  }
}

/** Removes the drafts that `createOnce` left in a folder when its process was killed. */
export async function clearDrafts(folder: string): Promise<void> {
  const drafts = (await readdir(folder)).filter((name) =>
    /\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name),
  );
  await Promise.all(drafts.map((name) => rm(join(folder, name), { force: true })));
}

const isErrno = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;

export const isMissing = (error: unknown): boolean => isErrno(error, "ENOENT");
