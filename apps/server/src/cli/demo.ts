import { negotiateLocale, text } from "@ciclo/contract";
import { readClientConfig } from "../config.ts";
import { Refusal } from "../errors.ts";
import { type Command, command, option, UsageError } from "./command.ts";
import { replayNotice, shown } from "./cycles.ts";

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
      const { FolderInUse, replayCycle, serveReplay } = await import("../demo/index.ts");
      const folder = option(values, "folder");
      const say = (step: string): void => (json ? undefined : io.out(step));
      const replay = {
        locale: negotiateLocale(readClientConfig().locale),
        say,
        ...(folder === undefined ? {} : { folder }),
      };
      say(replayNotice);
      try {
        if (values["serve"] === true) {
          const until = new AbortController();
          for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => until.abort());
          await serveReplay(replay, until.signal);
          return null;
        }
        const result = await replayCycle(replay);
        if (result.cycle.state !== "completed") throw notCompleted(result.cycle.reason ?? result.cycle.state);
        const { verifyManifest } = await import("./manifest.ts");
        const { bundle = "", key = "" } = result.manifest ?? {};
        return { ...result, verified: verifyManifest(bundle, key).predicate.head };
      } catch (error) {
        if (error instanceof FolderInUse) throw new UsageError(error.message);
        throw error;
      }
    },
    show: (result) =>
      result === null
        ? []
        : [
            "",
            ...shown(result.cycle),
            "",
            `The manifest holds for ${result.verified}`,
            ...(result.kept === null
              ? []
              : [
                  `ciclo cycle verify ${result.kept.manifest} --key ${result.kept.key}`,
                  `git --git-dir ${result.kept.repository} log --stat`,
                ]),
          ],
  }),
];

const notCompleted = (why: string): Refusal =>
  new Refusal(
    "upstream_failed",
    text(`The replay did not come to its end: ${why}`, `O replay não chegou ao fim: ${why}`),
  );
