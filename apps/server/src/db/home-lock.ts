import { readdirSync, readFileSync, readlinkSync, realpathSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";

/** Another console uses the data folder. `message` is one line that says which. */
export class HomeInUseError extends Error {}

const holderSchema = z.object({ pid: z.int(), host: z.string(), since: z.string() });
const sqliteBusy = 5;

/**
 * Keeps a data folder to one console. The lock is the operating system's, by way of SQLite's own on
 * `console.lock`: it ends with the process, however that ends, so none is ever left behind. Who holds it
 * stands in `console.json`. Throws `HomeInUseError`. Returns what gives the folder back.
 */
export function lockHome(home: string): () => void {
  const database = new DatabaseSync(join(home, "console.lock"));
  const note = join(home, "console.json");
  try {
    database.exec("PRAGMA busy_timeout=0; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    const { errcode } = error as { errcode?: number };
    // Nothing is in that file but the lock.
    if (errcode !== sqliteBusy)
      throw new HomeInUseError(
        `${join(home, "console.lock")} cannot be used as a lock (${String(error)}). Delete it and start again`,
        { cause: error },
      );
    throw new HomeInUseError(
      `${home} is in use by ${holderOf(note)}. Stop it, or give this one a folder of its own`,
      {
        cause: error,
      },
    );
  }
  const deprived = holderOfDeleted(home);
  if (deprived !== null) {
    database.close();
    throw new HomeInUseError(
      `${home} is in use by process ${deprived}, though its console.lock was deleted. Stop that one first`,
    );
  }
  const holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
  writeFileSync(note, `${JSON.stringify(holder)}\n`, { mode: 0o600 });
  return () => database.close();
}

function holderOf(note: string): string {
  try {
    const { pid, host, since } = holderSchema.parse(JSON.parse(readFileSync(note, "utf8")));
    return `the console of process ${pid} on ${host}, which started at ${since}`;
  } catch {
    // It has the lock, but has not said yet who it is.
    return "another console";
  }
}

/**
 * The process that holds a lock file of this folder which somebody has deleted: that takes the lock from it unnoticed.
 * Null where there is none, or none can be seen: it needs Linux, and a process of this machine and user.
 */
function holderOfDeleted(home: string): number | null {
  if (process.platform !== "linux") return null;
  const deleted = `${join(realpathSync(home), "console.lock")} (deleted)`;
  const holds = (pid: string): boolean =>
    entriesOf(`/proc/${pid}/fd`).some((fd) => targetOf(`/proc/${pid}/fd/${fd}`) === deleted);
  const found = entriesOf("/proc").find((name) => /^\d+$/.test(name) && isNode(name) && holds(name));
  return found === undefined ? null : Number(found);
}

const orElse = <T>(otherwise: T, read: () => T): T => {
  try {
    return read();
  } catch {
    // It has ended, or is another user's.
    return otherwise;
  }
};
const entriesOf = (folder: string): string[] => orElse([], () => readdirSync(folder));
const targetOf = (link: string): string => orElse("", () => readlinkSync(link));
const isNode = (pid: string): boolean =>
  orElse(false, () => readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("node"));
