import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { privateFolder, readIfThere } from "../../lib/files.ts";
import { parseJson } from "../../lib/parse-json.ts";
import { endWithWholeLine } from "./copy.ts";
import type { StoredCheckpoint } from "./store.ts";
import type { Broken } from "./verify.ts";

const publishedFile = (folder: string): string => join(folder, "checkpoints.jsonl");

/** A copy outside the database, so that whoever rewrites the table contradicts it. */
export async function publish(folder: string, checkpoint: StoredCheckpoint): Promise<void> {
  await privateFolder(folder);
  await endWithWholeLine(publishedFile(folder));
  const line = JSON.stringify({ signed_at: checkpoint.signed_at, note: checkpoint.note });
  await appendFile(publishedFile(folder), `${line}\n`, { mode: 0o600 });
}

/** The text of a file; empty where there is none, null never: a folder in its place reads as a line that is none. */
async function textOf(path: string): Promise<string | null> {
  try {
    return await readIfThere(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EISDIR") return "a folder\n";
    throw error;
  }
}

const publishedSchema = z.object({ signed_at: z.string(), note: z.string() });

/** Notes of `checkpoints.jsonl`, or which line of it cannot be read. A last line without an end was cut off by a crash. */
export async function publishedNotes(folder: string): Promise<string[] | Broken> {
  const lines = ((await textOf(publishedFile(folder))) ?? "").split("\n").slice(0, -1);
  const notes: string[] = [];
  for (const [index, line] of lines.entries()) {
    const parsed = publishedSchema.safeParse(parseJson(line));
    if (!parsed.success)
      return { seq: 0, reason: `line ${index + 1} of checkpoints.jsonl is not a checkpoint` };
    notes.push(parsed.data.note);
  }
  return notes;
}
