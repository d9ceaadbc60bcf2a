import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";

/**
 * The program that a command means: the path itself where it is absolute, else the first of that name on the PATH.
 * Null where there is none. A path that is relative to some folder means none: whose folder is anybody's guess.
 */
export async function findProgram(command: string, path: string): Promise<string | null> {
  if (isAbsolute(command)) return (await isProgram(command)) ? command : null;
  if (command.includes("/") || command === "") return null;
  for (const folder of path.split(delimiter).filter(isAbsolute)) {
    const candidate = join(folder, command);
    if (await isProgram(candidate)) return candidate;
  }
  return null;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    // Not there, not executable, or behind a folder that may not be entered: it cannot be run.
    return false;
  }
}
