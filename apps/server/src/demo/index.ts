import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { CycleDetail, CycleVerdict, Locale } from "@ciclo/contract";
import { openReplayConsole, type ReplayConsole, type ReplayPerson } from "./console.ts";
import { commentIn, issueIn } from "./coupons.ts";

/** What a replay leaves in its folder for whoever wants to check it. */
export type ReplayResult = {
  cycle: CycleDetail;
  /** Null where nothing was kept. */
  kept: { folder: string; manifest: string; key: string; repository: string } | null;
  /** A Sigstore bundle and the key it is checked with, as text; null for a cycle that was not merged. */
  manifest: { bundle: string; key: string } | null;
};

export type Replay = {
  locale: Locale;
  /** Where console and repository are kept; a temporary folder, which is deleted, where it is left out. */
  folder?: string;
  /** Called with each step as it happens. */
  say(step: string): void;
  /** Ends it, and tidies up. */
  signal: AbortSignal;
};

/** Carries a cycle from an issue to a merge, on a console of its own: two people decide as the replay has it. */
export const replayCycle = (replay: Replay): Promise<ReplayResult> =>
  onConsole(replay, (console_, folder) => carried(console_, replay, folder));

/** Opens the replay's console with a cycle under way, for whoever decides themselves, until the signal. */
export const serveReplay = (replay: Replay): Promise<void> =>
  onConsole(replay, async (console_) => {
    const { id } = await startedBy(console_, replay.locale);
    replay.say(`cycle ${id} is under way`);
    replay.say(`Sign in as ${console_.approver.name}, who decides: ${await console_.approver.signInLink()}`);
    replay.say(`Then open ${console_.url}/cycles/${id}`);
    replay.say("Ctrl-C ends the replay");
    await aborted(replay.signal);
  });

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });

async function onConsole<T>(
  { folder: named, locale, signal }: Replay,
  work: (console_: ReplayConsole, folder: string) => Promise<T>,
): Promise<T> {
  const folder =
    named === undefined ? await mkdtemp(join(tmpdir(), "ciclo-replay-")) : await emptyFolder(named);
  try {
    signal.throwIfAborted();
    const console_ = await openReplayConsole(folder, locale);
    try {
      return await work(console_, folder);
    } finally {
      await console_.close();
    }
  } finally {
    if (named === undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** A folder with something else in it is nobody's to write to. */
async function emptyFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
    if ((await readdir(folder)).length === 0) return folder;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    throw new UnusableFolder(`${folder} cannot be used (${code}): name a folder that you may write to`);
  }
  throw new UnusableFolder(`${folder} is not empty: name a folder that is, or none`);
}

export class UnusableFolder extends Error {}

const startedBy = ({ planner, repository }: ReplayConsole, locale: Locale): Promise<CycleDetail> =>
  planner.client.call("startCycle", { body: { repository, issue: issueIn(locale) } });

async function carried(
  console_: ReplayConsole,
  { locale, folder: named, say, signal }: Replay,
  folder: string,
): Promise<ReplayResult> {
  const { planner, approver } = console_;
  const { id, title } = await startedBy(console_, locale);
  say(`${planner.name} starts a cycle: ${title}`);
  const teller = new Teller(say);
  const at = (): Promise<CycleDetail> => settled(approver, id, { teller, signal });
  const decide = async (decision: CycleVerdict["decision"], comment?: string): Promise<void> => {
    const { checkpoint } = await at();
    if (checkpoint === null) return;
    const { subject } = checkpoint;
    const body = { decision, subject, ...(comment === undefined ? {} : { comment }) } as CycleVerdict;
    await approver.client.call("decideCycle", { params: { id }, body });
    const word = decision === "approve" ? "approves" : "sends back";
    const said = comment === undefined ? "" : `: "${comment}"`;
    say(`${approver.name} ${word} ${decided[checkpoint.checkpoint]}${said}`);
  };
  await decide("approve");
  await decide("send_back", commentIn(locale));
  await decide("approve");
  await decide("approve");
  const cycle = await at();
  const manifest = await manifestOf(approver, cycle);
  if (named === undefined || manifest === null) return { cycle, manifest, kept: null };
  const kept = {
    folder,
    manifest: join(folder, "manifest.json"),
    key: join(folder, "ciclo.pem"),
    repository: console_.repository,
  };
  await writeFile(kept.manifest, manifest.bundle);
  await writeFile(kept.key, manifest.key);
  return { cycle, manifest, kept };
}

const decided = { analyze: "the specification", plan: "the plan", merge: "the merge" } as const;

async function manifestOf(
  { client }: ReplayPerson,
  { id, evidence }: CycleDetail,
): Promise<ReplayResult["manifest"]> {
  const found = evidence.findLast(({ name }) => name === "manifest.sigstore.json");
  if (found === undefined) return null;
  const { base64 } = await client.call("getCycleEvidence", { params: { id, sha256: found.sha256 } });
  const { public_key: key } = await client.call("getCycleKey");
  return { bundle: Buffer.from(base64, "base64").toString("utf8"), key };
}

const lookEveryMs = 50;

/** Tells of a cycle what its reader has not been told: each stage, and what the gates found. */
class Teller {
  readonly #say: Replay["say"];
  #stage = "";
  #reports = 0;

  constructor(say: Replay["say"]) {
    this.#say = say;
  }

  tell({ state, stage, tries, artifacts }: CycleDetail): void {
    const checks = artifacts.flatMap((artifact) => (artifact.kind === "check" ? [artifact.content] : []));
    for (const { problems } of checks.slice(this.#reports))
      for (const { en } of problems) this.#say(`  the gates refuse it: ${en}`);
    this.#reports = checks.length;
    const now = `${stage} ${tries}`;
    if (state === "running" && now !== this.#stage) this.#say(stages[stage]);
    this.#stage = now;
  }
}

const stages: Record<CycleDetail["stage"], string> = {
  prepare: "The console fetches the repository",
  analyze: "A model writes requirements and test cases",
  plan: "A model divides the work",
  execute: "An agent works in a sandbox",
  document: "Changelog, decision record and costs become a commit",
  check: "The console runs lint and tests, before the change and after it",
  merge: "The console merges",
};

/** Waits until nothing goes on of a cycle. */
async function settled(
  { client }: ReplayPerson,
  id: string,
  { teller, signal }: { teller: Teller; signal: AbortSignal },
): Promise<CycleDetail> {
  for (;;) {
    signal.throwIfAborted();
    const cycle = await client.call("getCycle", { params: { id } });
    teller.tell(cycle);
    if (cycle.state !== "running") return cycle;
    await wait(lookEveryMs);
  }
}
