// Writes files of the folder that it runs in to standard output: a line of JSON with their paths and sizes, then what they hold, one
// behind the other. Standard input says which, as JSON. It runs in the sandbox: a path may lead anywhere that tests could reach too.
import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { json } from "node:stream/consumers";

/** @typedef {{ paths: string[]; folders: string[]; mostBytes: number; mostOfFile: number; mostFiles: number }} Asked */

const { paths, folders, mostBytes, mostOfFile, mostFiles } = /** @type {Asked} */ (await json(process.stdin));
const mostLooked = 10_000;

let left = 0;

/** @param {string} path */
const statOf = async (path) => {
  try {
    return await lstat(path);
  } catch {
    return null;
  }
};

/**
 * Files below a folder or the file itself, in the order of their names.
 * @param {string} path
 * @param {string[]} found
 */
async function list(path, found) {
  const stat = await statOf(path);
  if (stat?.isFile()) {
    if (found.length < mostLooked) found.push(path);
    else left += 1;
  }
  if (!stat?.isDirectory() || found.length >= mostLooked) return;
  try {
    for (const name of (await readdir(path)).toSorted()) await list(join(path, name), found);
  } catch {
    left += 1;
  }
}

const wanted = [...paths];
for (const folder of folders) await list(folder, wanted);

const taken = [];
let size = 0;
for (const path of new Set(wanted)) {
  const stat = await statOf(path);
  if (stat === null || !stat.isFile() || stat.size === 0) continue;
  if (stat.size > mostOfFile || size + stat.size > mostBytes || taken.length >= mostFiles) {
    left += 1;
    continue;
  }
  try {
    const bytes = await readFile(path);
    if (size + bytes.length > mostBytes) throw new Error("it has grown");
    size += bytes.length;
    taken.push({ path, bytes });
  } catch {
    left += 1;
  }
}
const files = taken.map(({ path, bytes }) => ({ path, bytes: bytes.length }));
process.stdout.write(`${JSON.stringify({ files, left })}\n`);
for (const { bytes } of taken)
  if (!process.stdout.write(bytes))
    await new Promise((resolve) => process.stdout.once("drain", () => resolve(null)));
