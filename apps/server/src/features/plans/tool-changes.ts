import type { ToolChange, ToolLockFile } from "@ciclo/contract";
import { diffWordsWithSpace } from "diff";
import { suspicionsOf } from "../../lib/suspicious.ts";

type Definition = Record<string, unknown>;
type Place = ToolChange["places"][number];

const maxTools = 200;
const maxPlaces = 400;
const maxText = 20_000;

/** Definitions that a change of the lock speaks of, by hash. */
export function hashesOf(before: ToolLockFile, after: ToolLockFile): string[] {
  return changesOf(before, after).flatMap(({ was, now }) => [was, now].filter((hash) => hash !== null));
}

/** What a change of the tool lock makes of each tool: its texts word by word, its schemas place by place. Pure. */
export function toolChanges(
  before: ToolLockFile,
  after: ToolLockFile,
  definitions: ReadonlyMap<string, string>,
): ToolChange[] {
  const read = (hash: string | null): Definition | null => {
    const known = hash === null ? undefined : definitions.get(hash);
    return known === undefined || known === "" ? null : (JSON.parse(known) as Definition);
  };
  return changesOf(before, after)
    .slice(0, maxTools)
    .map(({ server, tool, was, now }) => {
      const [old, next] = [read(was), read(now)];
      const change = was === null ? "added" : now === null ? "removed" : "changed";
      const places = differences(old ?? {}, next ?? {});
      return {
        server,
        tool,
        change,
        is_known: (was === null || old !== null) && (now === null || next !== null),
        texts: textsOf(old, next),
        places: places.slice(0, maxPlaces),
        more_places: Math.max(0, places.length - maxPlaces),
        suspicions: suspicions(next ?? {}),
      };
    });
}

type LockChange = { server: string; tool: string; was: string | null; now: string | null };

function changesOf(before: ToolLockFile, after: ToolLockFile): LockChange[] {
  const servers = [...new Set([...Object.keys(before.servers), ...Object.keys(after.servers)])].toSorted();
  return servers.flatMap((server) => {
    const [old, next] = [before.servers[server] ?? {}, after.servers[server] ?? {}];
    return [...new Set([...Object.keys(old), ...Object.keys(next)])].toSorted().flatMap((tool) => {
      const [was, now] = [old[tool]?.hash ?? null, next[tool]?.hash ?? null];
      return was === now ? [] : [{ server, tool, was, now }];
    });
  });
}

const textFields = ["title", "description"] as const;

/** Its title and description, before and after, and which words were added or taken out. */
function textsOf(old: Definition | null, next: Definition | null): ToolChange["texts"] {
  return textFields.flatMap((field) => {
    const [before, after] = [textIn(old?.[field]), textIn(next?.[field])];
    if (before === after) return [];
    const words = diffWordsWithSpace(before ?? "", after ?? "").map(({ added, removed, value }) => ({
      kind: added ? ("added" as const) : removed ? ("removed" as const) : ("same" as const),
      text: value,
    }));
    return [{ field, before, after, words }];
  });
}

const textIn = (value: unknown): string | null =>
  typeof value === "string" ? value.slice(0, maxText) : null;

/** Leaves that differ, by their place. Which dialect a schema is in, and the order of sets, mean nothing. */
function differences(before: unknown, after: unknown, at = ""): Place[] {
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys
      .filter(
        (key) => key !== "$schema" && !(at === "" && (key === "name" || textFields.includes(key as "title"))),
      )
      .flatMap((key) => differences(before[key], after[key], at === "" ? key : `${at}.${key}`));
  }
  // A part that came or went whole is told by its own parts.
  if (isObject(before) && after === undefined && Object.keys(before).length > 0)
    return differences(before, {}, at);
  if (isObject(after) && before === undefined && Object.keys(after).length > 0)
    return differences({}, after, at);
  const [was, now] = [leaf(before, at), leaf(after, at)];
  if (was === now) return [];
  return [
    {
      place: at,
      change: was === null ? "added" : now === null ? "removed" : "changed",
      before: was,
      after: now,
    },
  ];
}

const isObject = (value: unknown): value is Definition =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const sets = /(^|\.)(required|enum|type)$/;

function leaf(value: unknown, at: string): string | null {
  if (value === undefined) return null;
  const ordered =
    Array.isArray(value) && sets.test(at)
      ? value
          .map((each) => JSON.stringify(each))
          .toSorted()
          .join(", ")
      : null;
  return (ordered ?? (typeof value === "string" ? value : JSON.stringify(value))).slice(0, maxText);
}

/** Texts anywhere in a definition that hide something, or tell their reader what to do. */
function suspicions(definition: Definition): ToolChange["suspicions"] {
  const found: ToolChange["suspicions"] = [];
  const walk = (value: unknown, at: string, depth: number): void => {
    if (typeof value === "string") for (const each of suspicionsOf(value)) found.push({ place: at, ...each });
    else if (depth < 64 && typeof value === "object" && value !== null)
      for (const [key, inner] of Object.entries(value)) {
        for (const each of suspicionsOf(key)) found.push({ place: at, ...each });
        walk(inner, at === "" ? key : `${at}.${key}`, depth + 1);
      }
  };
  walk(definition, "", 0);
  return found.slice(0, 50);
}
