import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

const upTo = (name: string, folder: string): string =>
  existsSync(join(folder, name)) || folder === dirname(folder) ? folder : upTo(name, dirname(folder));

/** The folder of this package, seen from its sources and from what is built of them. */
export const serverFolder = upTo("package.json", import.meta.dirname);

const inside = serverFolder.indexOf("/node_modules/");

/** Where the console is installed with all that it needs: the checkout, or the folder whose `node_modules` it is in. */
export const installation = inside < 0 ? join(serverFolder, "../..") : serverFolder.slice(0, inside);
