import { connect } from "./client.ts";
import { type Command, command, UsageError } from "./command.ts";
import { line } from "./cycle-line.ts";

const permissionCommand = (answer: "allow" | "deny", summary: string): Command =>
  command({
    name: `cycle ${answer}`,
    usage: `ciclo cycle ${answer} ID [QUESTION]`,
    summary: `${summary} The question may be left out where there is one.`,
    examples: [`ciclo cycle ${answer} sums-are-wrong-k7f3m2`],
    takes: { min: 1, max: 2 },
    async run({ positionals: [id = "", given] }) {
      const { permissions_asked: open } = await connect().call("getCycle", { params: { id } });
      const [only, ...others] = open;
      if (given === undefined && (only === undefined || others.length > 0))
        throw new UsageError(
          only === undefined
            ? "The agent asks for nothing now"
            : `The agent asks for several things: name one of ${open.map((one) => `${one.id} (${one.title})`).join(", ")}`,
        );
      const begun = open.filter((one) => given !== undefined && one.id.startsWith(given));
      if (begun.length > 1)
        throw new UsageError(
          `Several questions begin with ${given}: ${begun.map((one) => one.id).join(", ")}`,
        );
      const params = { id, permission: begun[0]?.id ?? given ?? only?.id ?? "" };
      return connect().call("answerCyclePermission", { params, body: { answer } });
    },
    show: (cycle) => [line(cycle)],
  });

export const permissionCommands: Command[] = [
  permissionCommand(
    "allow",
    "Allow what the agent of a cycle asks leave for; `cycle show` says what that is.",
  ),
  permissionCommand("deny", "Refuse what the agent of a cycle asks leave for."),
];
