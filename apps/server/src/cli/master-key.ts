import { type Command, command } from "./command.ts";
import { withLocal } from "./local.ts";

export const masterKeyCommands: Command[] = [
  command({
    name: "keys rotate-master",
    usage: "ciclo keys rotate-master",
    summary:
      "Make a new master key and wrap all data keys with it. A running console goes on without interruption.",
    examples: ["ciclo keys rotate-master"],
    takes: { min: 0, max: 0 },
    run: () => withLocal(({ audit, vault }, actor) => vault.rotateMaster(audit.transaction, actor)),
    show: ({ rewrapped, master_id }) => [
      `${rewrapped} data keys are wrapped with the new master key ${master_id}`,
    ],
  }),
];
