import { resolve } from "node:path";
import { type CycleDetail, negotiateLocale, text } from "@ciclo/contract";
import { readClientConfig } from "../config.ts";
import { Refusal } from "../errors.ts";
import { type Command, command, option, UsageError } from "./command.ts";
import { replayNotice } from "./cycles.ts";

export const demoCommands: Command[] = [
  command({
    name: "cycle demo",
    usage: "ciclo cycle demo [--folder FOLDER] [--serve]",
    summary:
      "Replay a whole cycle on a small bundled repository with a fault, on a console of its own: no key, no network, nothing of your console is touched. Prepared replies stand in for the models; the agent, its sandbox, commits, gates, approvals and the manifest are real. `--folder` keeps console, repository, manifest and key; `--serve` opens the pages, and you decide.",
    examples: ["ciclo cycle demo", "ciclo cycle demo --folder demo", "ciclo cycle demo --serve"],
    options: { folder: { type: "string" }, serve: { type: "boolean" } },
    takes: { min: 0, max: 0 },
    async run({ values, json, io }) {
      // Loaded here: no other command needs a console of its own.
      const { UnusableFolder, replayCycle, serveReplay } = await import("../demo/index.ts");
      const folder = option(values, "folder");
      const say = (step: string): void => (json ? undefined : io.out(step));
      const until = new AbortController();
      const end = (): void => until.abort(new UsageError("ended"));
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
      const replay = {
        locale: negotiateLocale(readClientConfig().locale),
        say,
        signal: until.signal,
        ...(folder === undefined ? {} : { folder: resolve(folder) }),
      };
      say(replayNotice);
      try {
        if (values["serve"] === true) {
          await serveReplay(replay);
          return null;
        }
        const result = await replayCycle(replay);
        if (result.cycle.state !== "completed") throw notCompleted(result.cycle.reason ?? result.cycle.state);
        const { verifyManifest } = await import("./manifest.ts");
        const { bundle = "", key = "" } = result.manifest ?? {};
        return { ...result, verified: verifyManifest(bundle, key).predicate.head };
      } catch (error) {
        if (error instanceof UnusableFolder) throw new UsageError(error.message);
        if (isNoGit(error)) throw new UsageError("git is not installed, or not on the PATH");
        throw error;
      } finally {
        for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, end);
      }
    },
    show: (result) => (result === null ? [] : ["", ...proofOf(result.cycle), "", ...keptOf(result)]),
  }),
];

const isNoGit = (error: unknown): boolean =>
  error instanceof Error && "syscall" in error && error.syscall === "spawn git";

/** From each requirement to its tests, red and green, and to the money. */
function proofOf({ artifacts, cost, part_costs: parts }: CycleDetail): string[] {
  const analysis = artifacts.findLast((one) => one.kind === "analysis");
  const check = artifacts.findLast((one) => one.kind === "check");
  const red = new Map((check?.content.tests?.fresh ?? []).map(({ name, on_base: how }) => [name, how]));
  const tests = (requirement: string): string[] =>
    (check?.content.requirements.find((one) => one.requirement === requirement)?.cases ?? []).flatMap(
      ({ tests: names }) => names,
    );
  const usd = (value: number): string => `${value.toFixed(4)} USD`;
  return [
    ...(analysis?.content.quick_spec.requirements ?? []).flatMap(({ id, text: said }) => [
      `${id}  ${said}`,
      ...tests(id).map((name) => `    red by ${red.get(name) ?? "?"} before, green now: ${name}`),
    ]),
    "",
    `${usd(cost.usd)} at example prices, calls of models: ${cost.calls}`,
    ...cost.phases.map((of) => `  ${of.phase}: ${usd(of.usd)}, calls: ${of.calls}`),
    ...parts.map(
      (of) => `  ${of.item === null ? "mending" : `part ${of.item}`}: ${usd(of.usd)}, calls: ${of.calls}`,
    ),
  ];
}

type Result = { verified: string; kept: { manifest: string; key: string; repository: string } | null };

const keptOf = ({ verified, kept }: Result): string[] => [
  `The manifest holds for commit ${verified}`,
  ...(kept === null
    ? ["Nothing was kept: ciclo cycle demo --folder demo keeps it, --serve shows it in the browser"]
    : [
        `  npx ciclo cycle verify ${kept.manifest} --key ${kept.key}`,
        `  git --git-dir ${kept.repository} log --stat`,
      ]),
];

const notCompleted = (why: string): Refusal =>
  new Refusal(
    "upstream_failed",
    text(`The replay did not come to its end: ${why}`, `O replay não chegou ao fim: ${why}`),
  );
