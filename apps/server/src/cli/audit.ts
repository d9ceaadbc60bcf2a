import { type Command, command, option } from "./command.ts";
import { withLocal } from "./local.ts";

export const auditCommands: Command[] = [
  command({
    name: "audit verify",
    usage: "ciclo audit verify",
    summary: "Check every hash, link and signed checkpoint of the audit log. Exit code 1 when one is broken.",
    examples: ["ciclo audit verify", "ciclo audit verify --json"],
    takes: { min: 0, max: 0 },
    async run() {
      const verdict = await withLocal(({ audit }) => audit.verify());
      if (!verdict.ok) process.exitCode = 1;
      return verdict;
    },
    show: ({ ok, events, first_broken: broken }, io) => [
      ok
        ? io.paint("green", `✓ ${events} events, none altered`)
        : io.paint("red", `✗ broken at event ${broken?.seq}: ${broken?.reason}`),
    ],
  }),
  command({
    name: "audit seal",
    usage: "ciclo audit seal",
    summary:
      "Vouch for a log that an older version wrote, once, right behind the update. Checks it first, and is itself on record.",
    examples: ["ciclo audit seal"],
    takes: { min: 0, max: 0 },
    async run() {
      await withLocal(({ audit }, actor) => audit.sealHead(actor));
      return { sealed: true };
    },
    show: () => ["The end of the audit log is vouched for from now on."],
  }),
  command({
    name: "audit export",
    usage: "ciclo audit export [--out FILE]",
    summary: "All events, oldest first, as JSON lines (one JSON array with --json).",
    examples: ["ciclo audit export > audit.jsonl", "ciclo audit export --out audit.jsonl"],
    options: { out: { type: "string" } },
    takes: { min: 0, max: 0 },
    async run({ values, json, io }) {
      const events: unknown[] = [];
      await withLocal(async ({ audit }) => {
        for await (const event of audit.all()) events.push(event);
      });
      const file = option(values, "out");
      if (file === undefined) return events;
      await io.writeFile(file, events.map((event) => `${JSON.stringify(event)}\n`).join(""));
      return json ? { file, events: events.length } : [];
    },
    show: (events) => (Array.isArray(events) ? events.map((event) => JSON.stringify(event)) : []),
  }),
];
