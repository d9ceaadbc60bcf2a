import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

const upTo = (name: string, folder: string): string =>
  existsSync(join(folder, name)) || folder === dirname(folder) ? folder : upTo(name, dirname(folder));

/** The folder of this package, seen from its sources and from what is built of them. */
export const serverFolder = upTo("package.json", import.meta.dirname);
