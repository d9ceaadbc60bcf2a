import { readForeign } from "../../db/foreign-sqlite.ts";
import { UsageError } from "../../domain/provider-usage.ts";
import type { MeteredCall } from "../../domain/usage.ts";
import { parseJson } from "../../lib/parse-json.ts";
import { opencodeCalls } from "./agents/opencode.ts";
import { LineError } from "./agents/reader.ts";
import type { BadLine } from "./follow.ts";
import { isObject } from "./said.ts";

const rowsAtOnce = 1000;

/** Rows that were changed at one moment come together, or some of them would be passed over. */
export type OpencodePlace = { updated: number; id: string };

/** `unseen`: how many of the rows are behind those that were looked at before; `bad` are of these alone. */
export type OpencodeRows = {
  calls: MeteredCall[];
  bad: BadLine[];
  rows: number;
  unseen: number;
  place: OpencodePlace;
};

/** What has changed in opencode's database (seen: 1.18.33) since a place, some at a time. Rows up to `seen` were looked at before. */
export function opencodeSince(path: string, place: OpencodePlace, seen: OpencodePlace): OpencodeRows {
  const found = readForeign(path, changed, [place.updated, place.updated, place.id]);
  const rows: OpencodeRows = { calls: [], bad: [], rows: found.length, unseen: 0, place };
  for (const row of found) {
    const [id, session] = [String(row["id"]), String(row["session_id"])];
    rows.place = { updated: Number(row["time_updated"]), id };
    const isUnseen = isBehind(rows.place, seen);
    if (isUnseen) rows.unseen += 1;
    const refuse = (reason: string): void =>
      void (
        isUnseen && rows.bad.push({ line: 0, reason: `message ${id}: ${reason}`, bytes: Buffer.alloc(0) })
      );
    const data = parseJson(String(row["data"]));
    if (!isObject(data)) {
      refuse("no JSON object");
      continue;
    }
    try {
      rows.calls.push(...opencodeCalls({ id, session_id: session, data }));
    } catch (error) {
      if (!(error instanceof LineError || error instanceof UsageError)) throw error;
      refuse(error.message);
    }
  }
  return rows;
}

/** Whether a place is behind another one, and not that. Pure. */
export const isBehind = (place: OpencodePlace, other: OpencodePlace): boolean =>
  place.updated > other.updated || (place.updated === other.updated && place.id > other.id);

const changed = `select id, session_id, time_updated, data from message
  where time_updated > ? or (time_updated = ? and id > ?) order by time_updated, id limit ${rowsAtOnce}`;
