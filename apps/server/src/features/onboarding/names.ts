import { fold } from "../../lib/fold.ts";

/** A server's id from what a client calls it, or from a repository's address. */
export function slugFrom(name: string): string {
  const last =
    name
      .replace(/\.git$/, "")
      .split(/[/:]/)
      .findLast((part) => part !== "") ?? name;
  return (
    fold(last)
      .replace(/[^a-z0-9]+/g, "-")
      .slice(0, 64)
      .replace(/^-+|-+$/g, "") || "server"
  );
}
