import {
  type Client,
  createClient,
  type HandshakeStep,
  negotiateLocale,
  type Plan,
  type Planned,
} from "@ciclo/contract";
import { readClientConfig } from "../config.ts";
import { type Io, option, UsageError, type Values } from "./command.ts";

/** What commands share that talk to a running console. */

/** A client of the server that CICLO_URL names, as the user of CICLO_TOKEN. */
export function connect(): Client {
  const { url, token, locale } = readClientConfig();
  if (token === undefined) {
    throw new UsageError("set CICLO_TOKEN to your token (ciclo token rotate <e-mail> makes one)");
  }
  return createClient({ baseUrl: url, token, locale: negotiateLocale(locale) });
}

const impactColour = { high: "red", medium: "yellow", low: "dim" } as const;

/** A plan for people: steps, risks, patch. */
export function showPlan({ plan, patch, preview }: Planned, io: Io): string[] {
  return [
    io.paint("bold", `${plan.id}: ${plan.summary}`),
    ...plan.steps.map((step) => `  ${step.title}: ${step.actions.map((action) => action.path).join(", ")}`),
    ...riskLines(plan, io),
    ...plan.approval_rules.map((rule) => `  ${rule}`),
    `  branch ${preview.branch} on ${preview.base_branch}`,
    "",
    ...paintPatch(patch, io),
  ];
}

/** Worst first, as a plan has them. */
export const riskLines = ({ risks }: Plan, io: Io): string[] =>
  risks.map((risk) => `  ${io.paint(impactColour[risk.impact], risk.impact)}  ${risk.title}`);

export const paintPatch = (patch: string, io: Io): string[] =>
  patch
    .trimEnd()
    .split("\n")
    .map((line) =>
      line.startsWith("+") ? io.paint("green", line) : line.startsWith("-") ? io.paint("red", line) : line,
    );

/** Keeps a plan in the file of `--out`, for `ciclo apply`. */
export async function writePlan(
  io: Io,
  values: Values,
  { plan, patch }: { plan: Plan; patch: string | null },
): Promise<void> {
  const file = option(values, "out");
  if (file !== undefined) await io.writeFile(file, JSON.stringify({ plan, patch }, null, 2));
}

/** A value that belongs on no command line: one line of standard input. */
export async function valueFromInput(io: Io, what: string): Promise<string> {
  // A line's own end is no part of it; all else is sent as it is.
  const value = (await io.readInput()).replace(/\r?\n$/, "");
  if (value.trim() === "") throw new UsageError(`give ${what} on standard input`);
  return value;
}

/** One step of a handshake. */
export const stepLine = ({ step, status, detail, ms }: HandshakeStep, io: Io): string => {
  const mark = status === "failed" ? io.paint("red", "✗") : io.paint("green", "✓");
  return `${mark} ${step.padEnd(11)} ${detail}${ms === null ? "" : ` (${ms} ms)`}`;
};
