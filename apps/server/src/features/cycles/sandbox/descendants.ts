import { readdir, readFile } from "node:fs/promises";

/** How many processes a process has started, and they in turn, itself included, and the memory that they hold together. */
export async function descendantsOf(pid: number): Promise<{ count: number; memoryBytes: number }> {
  const all = await Promise.all(
    (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map((name) => statOf(Number(name))),
  );
  const children = new Map<number, Process[]>();
  for (const one of all)
    if (one !== null) children.set(one.parent, [...(children.get(one.parent) ?? []), one]);
  const own = all.find((one) => one?.pid === pid);
  let [count, memoryBytes] = [0, 0];
  const todo: Process[] = own == null ? [] : [own];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    count += 1;
    memoryBytes += next.memoryBytes;
    todo.push(...(children.get(next.pid) ?? []));
  }
  return { count, memoryBytes };
}

type Process = { pid: number; parent: number; memoryBytes: number };

/** Pages are of this size on all machines that bubblewrap and Node run on but a few of ARM, where it counts too little. */
const pageBytes = 4096;

async function statOf(pid: number): Promise<Process | null> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, "utf8");
  } catch {
    // It has ended meanwhile.
    return null;
  }
  // Its name, in brackets, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { pid, parent: Number(fields[1]), memoryBytes: Number(fields[21]) * pageBytes };
}
