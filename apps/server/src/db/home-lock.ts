import { readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { startedAt } from "../lib/processes.ts";

/** Another console uses the data folder. `message` is one line that says which. */
export class HomeInUseError extends Error {}

const holderSchema = z.object({ pid: z.int(), host: z.string(), since: z.string() });
const sqliteBusy = 5;
/** A process's start is known to a second. */
const clockStepMs = 1500;
/** A console locks its folder that soon after its process started. */
const longestStartMs = 60_000;

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
  if (holdsOn(note)) {
    database.close();
    throw new HomeInUseError(
      `${home} is in use by ${holderOf(note)}, though its console.lock was deleted. Stop that one first`,
    );
  }
  const holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
  writeFileSync(note, `${JSON.stringify(holder)}\n`, { mode: 0o600 });
  return () => database.close();
}

function readHolder(note: string): z.infer<typeof holderSchema> | null {
  try {
    return holderSchema.parse(JSON.parse(readFileSync(note, "utf8")));
  } catch {
    // It has the lock, but has not said yet who it is; or nobody ever had.
    return null;
  }
}

function holderOf(note: string): string {
  const holder = readHolder(note);
  if (holder === null) return "another console";
  return `the console of process ${holder.pid} on ${holder.host}, which started at ${holder.since}`;
}

/**
 * Whether the console that the note speaks of still runs, on this machine. Somebody who deletes its lock file takes the
 * lock from it unnoticed. A process that only has its number started at another time.
 */
function holdsOn(note: string): boolean {
  const holder = readHolder(note);
  if (holder === null || holder.host !== hostname() || holder.pid === process.pid) return false;
  const started = startedAt(holder.pid);
  const locked = Date.parse(holder.since);
  return started !== null && started < locked + clockStepMs && locked < started + longestStartMs;
}
