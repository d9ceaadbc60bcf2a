/** Lines of context around what differs. */
const context = 3;

/**
 * A unified diff of two texts with one hunk: what is the same at both ends is left out, what is between
 * is shown as removed and added. Enough for definitions, which change in one place.
 */
export function patchOf(name: string, before: string, after: string): string {
  const [old, now] = [before.split("\n"), after.split("\n")];
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  while (
    end < old.length - start &&
    end < now.length - start &&
    old[old.length - 1 - end] === now[now.length - 1 - end]
  )
    end += 1;
  const from = Math.max(0, start - context);
  const rest = Math.min(end, context);
  const lines = [
    ...old.slice(from, start).map((line) => ` ${line}`),
    ...old.slice(start, old.length - end).map((line) => `-${line}`),
    ...now.slice(start, now.length - end).map((line) => `+${line}`),
    ...old.slice(old.length - end, old.length - end + rest).map((line) => ` ${line}`),
  ];
  const counts = [old.length - end + rest - from, now.length - end + rest - from];
  const path = name.replace(/[^\w./-]/g, "_");
  return `diff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n@@ -${from + 1},${counts[0]} +${from + 1},${counts[1]} @@\n${lines.join("\n")}\n`;
}
