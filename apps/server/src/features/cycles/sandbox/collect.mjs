// Writes files of the folder that it runs in to standard output: a line of JSON with their paths and sizes, then what they hold, one
// behind the other. Standard input says which, as JSON. It runs in the sandbox: a path may lead anywhere that tests could reach too.
import { lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { json } from "node:stream/consumers";

/** @typedef {{ paths: string[]; folders: string[]; mostBytes: number; mostOfFile: number; mostFiles: number }} Asked */

const { paths, folders, mostBytes, mostOfFile, mostFiles } = /** @type {Asked} */ (await json(process.stdin));
const mostLooked = 10_000;

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
  if (found.length >= mostLooked) return;
  if (stat?.isFile()) found.push(path);
  if (!stat?.isDirectory()) return;
  for (const name of (await readdir(path)).toSorted()) await list(join(path, name), found);
}

const wanted = [...paths];
for (const folder of folders) await list(folder, wanted);

const taken = [];
let [bytes, left] = [0, 0];
for (const path of new Set(wanted)) {
  const stat = await statOf(path);
  if (stat === null || !stat.isFile() || stat.size === 0) continue;
  if (stat.size > mostOfFile || bytes + stat.size > mostBytes || taken.length >= mostFiles) {
    left += 1;
    continue;
  }
  bytes += stat.size;
  taken.push({ path, bytes: stat.size });
}
process.stdout.write(`${JSON.stringify({ files: taken, left })}\n`);
for (const { path, bytes: size } of taken) {
  const file = await open(path);
  // Of a file that grows meanwhile, as much as was said; of one that shrinks, nothing fits any more, which the reader sees.
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0);
  await file.close();
  if (bytesRead !== size) process.exit(1);
  if (!process.stdout.write(buffer))
    await new Promise((resolve) => process.stdout.once("drain", () => resolve(null)));
}
