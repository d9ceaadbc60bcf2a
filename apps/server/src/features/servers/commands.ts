import { type PolicyOf, text } from "@ciclo/contract";
import { Refusal } from "../../errors.ts";

type Command = { command: string; args: readonly string[] };

/** Characters that only a shell would make something of; a command is never given to one. */
const shellCharacters = /[|&;<>()$`"'*?[\]{}~\s!#\\]/;

/**
 * Why a program may not be run; null when it may. An allowed entry without `args` allows any;
 * with them, each must be the same, where `*` is any one and a last `**` any that follow.
 */
export function commandProblem(
  { command, args }: Command,
  policy: Pick<PolicyOf<"commands">, "id" | "allow"> | null,
): Refusal | null {
  if (shellCharacters.test(command)) {
    return new Refusal(
      "policy_denied",
      text(
        `command ${JSON.stringify(command)} is no program's name or path. It is not given to a shell: put arguments into args`,
        `o comando ${JSON.stringify(command)} não é nome nem caminho de programa. Não passa por um shell: ponha os argumentos em args`,
      ),
    );
  }
  if (policy?.allow.some((entry) => matches({ command, args }, entry)) === true) return null;
  const line = [command, ...args].join(" ");
  const where = `policies/${policy?.id ?? "commands"}.yaml, allow`;
  return new Refusal(
    "policy_denied",
    text(
      `${where}: does not list the command ${line}. Plan a change of that policy to allow it`,
      `${where}: não lista o comando ${line}. Planeje uma mudança dessa política para permiti-lo`,
    ),
  );
}

function matches({ command, args }: Command, allowed: PolicyOf<"commands">["allow"][number]): boolean {
  if (allowed.command !== command) return false;
  if (allowed.args === undefined) return true;
  const isOpen = allowed.args.at(-1) === "**";
  const patterns = isOpen ? allowed.args.slice(0, -1) : allowed.args;
  if (isOpen ? args.length < patterns.length : args.length !== patterns.length) return false;
  return patterns.every((pattern, index) => pattern === "*" || pattern === args[index]);
}
