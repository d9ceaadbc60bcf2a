import type { ModelDialect } from "@ciclo/contract";
import { parseJson } from "../../lib/parse-json.ts";
import type { ModelPath } from "./paths.ts";

/** What of a request to a model matters to the console. */
export type Asked = {
  model: string;
  streams: boolean;
  /** The most that the caller lets the model write; null where it does not say. */
  maxOutput: number | null;
  /** The body as it goes on. */
  body: Buffer;
  /** Whether the console asked for the usage of a stream, which its caller did not: it is taken out of the answer again. */
  addedUsage: boolean;
};

type Json = Record<string, unknown>;

/** Reads a request. Returns what is wrong with it where it cannot be metered. */
export function readAsked(path: ModelPath, body: Buffer): Asked | { problem: "json" | "model" } {
  const value = parseJson(body.toString("utf8"));
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { problem: "json" };
  const said = value as Json;
  const model = path.model ?? said["model"];
  if (typeof model !== "string" || model === "" || model.length > 300) return { problem: "model" };
  const streams = path.streams || said["stream"] === true;
  const adds = streams && path.method.endsWith("completions") && !asksForUsage(said);
  return {
    model,
    streams,
    maxOutput: mostOf(path.dialect, said),
    body: adds ? withUsage(said, body) : body,
    addedUsage: adds,
  };
}

function mostOf(dialect: ModelDialect, said: Json): number | null {
  const config = said["generationConfig"];
  const most =
    dialect === "google"
      ? typeof config === "object" && config !== null
        ? (config as Json)["maxOutputTokens"]
        : undefined
      : (said["max_completion_tokens"] ?? said["max_output_tokens"] ?? said["max_tokens"]);
  return typeof most === "number" && Number.isInteger(most) && most > 0 ? most : null;
}

const asksForUsage = ({ stream_options: options }: Json): boolean =>
  typeof options === "object" && options !== null && (options as Json)["include_usage"] === true;

/** The body, asking for the usage of its stream too. Without `stream_options` of its own not a byte of the rest is touched. */
function withUsage(said: Json, body: Buffer): Buffer {
  if (said["stream_options"] === undefined) {
    const start = body.indexOf("{") + 1;
    const rest = body.subarray(start);
    return Buffer.concat([
      body.subarray(0, start),
      Buffer.from('"stream_options":{"include_usage":true},'),
      rest,
    ]);
  }
  const options = { ...(said["stream_options"] as Json | null), include_usage: true };
  return Buffer.from(JSON.stringify({ ...said, stream_options: options }));
}
