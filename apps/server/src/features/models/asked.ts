import type { ModelDialect } from "@ciclo/contract";
import { type Member, membersOf } from "../../lib/json-members.ts";
import { parseJson } from "../../lib/parse-json.ts";
import type { ModelPath } from "./paths.ts";
import { ambiguous, notPassed, unreadable } from "./refusals.ts";

/** What of a request to a model matters to the console. */
export type Asked = {
  model: string;
  streams: boolean;
  /** The most tokens that the model may write, over all answers that are asked for. */
  maxOutput: number;
  /** The tier that is asked for by name: `priority`, `flex`, `fast`; null where none is. */
  tier: string | null;
  /** Whether the provider is to go on after it has answered: what it used is told when the answer is fetched. */
  isBackground: boolean;
  /** An answer that the provider keeps, and that this request continues. */
  continues: string | null;
  /** The body as it goes on. */
  body: Buffer;
  /** Whether the console asked for the usage of a stream, which its caller did not: it is taken out of the answer again. */
  addedUsage: boolean;
};

type Json = Record<string, unknown>;

/** What the console decides by. Two readers must not find different ones in a request. */
const deciding = [
  "model",
  "models",
  "fallbacks",
  "conversation",
  "stream",
  "stream_options",
  "max_tokens",
  "max_completion_tokens",
  "max_output_tokens",
  "n",
  "best_of",
  "service_tier",
  "speed",
  "background",
  "previous_response_id",
  "generationConfig",
  "generation_config",
];
const known: ReadonlySet<string> = new Set(deciding);
const folded: ReadonlySet<string> = new Set(deciding.map((name) => name.toLowerCase()));
const keys = new Map(deciding.map((name) => [name, Buffer.from(`"${name}"`)]));
/** Letters, digits and `_`, as an escape writes them. */
const escapedLetters = ["3", "4", "5", "6", "7"].map((digit) => Buffer.from(`\\u00${digit}`));

/** Reads a request. Throws a `Refusal` where it cannot be metered, or could be read in two ways. */
export function readAsked(path: ModelPath, body: Buffer): Asked {
  const source = body.toString("utf8");
  const value = parseJson(source);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw unreadable("json");
  const said = value as Json;
  refuseTwoReadings(said, source, body);
  refuseWithheld(said);
  const model = path.model ?? said["model"];
  if (typeof model !== "string" || !isModelName(model)) throw unreadable("model");
  const streams = path.streams || said["stream"] === true;
  const passed = streams && path.method.endsWith("completions") ? withUsage(said, source, body) : null;
  const previous = said["previous_response_id"];
  return {
    model,
    streams,
    maxOutput: path.use === "embed" ? 0 : mostOf(path.dialect, said),
    tier: tierOf(said),
    isBackground: said["background"] === true,
    continues: typeof previous === "string" && previous !== "" ? previous : null,
    body: passed ?? body,
    addedUsage: passed !== null,
  };
}

/** The same request of another model: not a byte of the rest is touched. */
export function askingModel(path: ModelPath, body: Buffer, model: string): { path: ModelPath; body: Buffer } {
  if (path.model !== null) {
    if (!/^[\w.-]+$/.test(model)) throw unreadable("model");
    return {
      path: { ...path, model, path: path.path.replace(`/models/${path.model}:`, () => `/models/${model}:`) },
      body,
    };
  }
  const source = body.toString("utf8");
  const place = membersOf(source).find(({ name }) => name === "model");
  if (place === undefined) return { path, body };
  const named = JSON.stringify(model);
  return { path, body: Buffer.from(`${source.slice(0, place.from)}${named}${source.slice(place.to)}`) };
}

/** Names that a path, a rule and a log show as they are. */
const isModelName = (name: string): boolean =>
  /^[\x21-\x7E]{1,300}$/.test(name) && !name.split("/").includes("..");

function refuseTwoReadings(said: Json, source: string, body: Buffer): void {
  const members = Object.keys(said);
  const lookalike = members.find((name) => !known.has(name) && folded.has(name.toLowerCase()));
  if (lookalike !== undefined) throw ambiguous(lookalike);
  // Nearly every request is plain: no name is there twice, and none is written in escapes.
  const isPlain =
    !escapedLetters.some((letter) => body.includes(letter)) &&
    !members.some((name) => isTwice(body, keys.get(name)));
  if (isPlain) return;
  const names = membersOf(source).map(({ name }) => name);
  const twice = names.find((name, index) => known.has(name) && names.indexOf(name) !== index);
  if (twice !== undefined) throw ambiguous(twice);
}

function isTwice(body: Buffer, key: Buffer | undefined): boolean {
  if (key === undefined) return false;
  const first = body.indexOf(key);
  return first >= 0 && body.includes(key, first + 1);
}

/** Members by which a provider would use another model than the one that policy was asked about, or texts of others. */
function refuseWithheld(said: Json): void {
  for (const name of ["models", "fallbacks", "conversation"] as const) {
    const value = said[name];
    const isEmpty = value === undefined || value === null || (Array.isArray(value) && value.length === 0);
    if (!isEmpty) throw notPassed(name);
  }
}

/** What a model may write where nobody says how much. */
const outputUnlessSaid = 4096;
/** No model writes more in one answer; whoever says more must not lock up a budget. */
const mostWritten = 200_000;
const mostAnswers = 128;

function mostOf(dialect: ModelDialect, said: Json): number {
  const configs = [said["generationConfig"], said["generation_config"]].filter(isObject);
  const written =
    dialect === "google"
      ? configs.flatMap((config) => [config["maxOutputTokens"], config["max_output_tokens"]])
      : [said["max_completion_tokens"], said["max_output_tokens"], said["max_tokens"]];
  const answers =
    dialect === "google"
      ? configs.flatMap((config) => [config["candidateCount"], config["candidate_count"]])
      : [said["n"], said["best_of"]];
  const most = Math.min(largest(written) ?? outputUnlessSaid, mostWritten);
  return most * Math.min(largest(answers) ?? 1, mostAnswers);
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function largest(values: readonly unknown[]): number | null {
  // Google takes whole numbers as texts too.
  const counts = values
    .map((value) => (typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : value))
    .filter((value): value is number => Number.isInteger(value) && (value as number) > 0);
  return counts.length === 0 ? null : Math.max(...counts);
}

function tierOf({ service_tier: tier, speed }: Json): string | null {
  if (speed === "fast") return "fast";
  return typeof tier === "string" && tier !== "" ? tier.slice(0, 200) : null;
}

/** The body, asking for the usage of its stream too: not a byte of the rest is touched. Null where it asks already, or cannot. */
function withUsage(said: Json, source: string, body: Buffer): Buffer | null {
  const options = said["stream_options"];
  if (options === undefined) {
    const start = body.indexOf("{") + 1;
    const added = Buffer.from('"stream_options":{"include_usage":true},');
    return Buffer.concat([body.subarray(0, start), added, body.subarray(start)]);
  }
  const place = membersOf(source).find(({ name }: Member) => name === "stream_options");
  if (place === undefined || !(options === null || isObject(options)) || options?.["include_usage"] === true)
    return null;
  const asking = JSON.stringify({ ...options, include_usage: true });
  return Buffer.from(`${source.slice(0, place.from)}${asking}${source.slice(place.to)}`);
}
