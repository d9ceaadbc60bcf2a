import {
  type AllowedCommand,
  isForbiddenVariable,
  type PolicyOf,
  type RegistryServer,
  type Text,
  text,
} from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import { maskSecrets } from "../../lib/mask-secrets.ts";

type Command = Pick<RegistryServer, "command" | "args" | "env">;
type CommandsPolicy = Pick<PolicyOf<"commands">, "id" | "allow">;

/** Characters that only a shell would make something of; a command is never given to one. */
const shellCharacters = /[|&;<>()$`"'*?[\]{}~\s!#\\]/;

/**
 * The entry of the policy that lets a command line run with its variables, or why none does. An entry without `args`
 * allows any; with them, each must be the same, where `*` is any one and a last `**` any that follow. Pure.
 */
export function allowedCommand(server: Command, policy: CommandsPolicy | null): AllowedCommand | Refusal {
  const { command = "", args = [], env = {} } = server;
  if (shellCharacters.test(command)) {
    return denied(
      text(
        `command ${JSON.stringify(command)} is no program's name or path. It is not given to a shell: put arguments into args`,
        `o comando ${JSON.stringify(command)} não é nome nem caminho de programa. Não passa por um shell: ponha os argumentos em args`,
      ),
    );
  }
  const names = Object.keys(env);
  const forbidden = names.filter(isForbiddenVariable);
  if (forbidden.length > 0) return denied(neverSet(forbidden));
  const lines = (policy?.allow ?? []).filter((entry) => matches({ command, args }, entry));
  const found = lines.find((entry) => names.every((name) => maySet(entry, name)));
  if (found !== undefined) return found;
  const line = maskSecrets([command, ...args].join(" "));
  const where = `policies/${policy?.id ?? "commands"}.yaml, allow`;
  const [entry] = lines;
  if (entry === undefined) {
    return denied(
      text(
        `${where}: does not list the command ${line}. Plan a change of that policy to allow it`,
        `${where}: não lista o comando ${line}. Planeje uma mudança dessa política para permiti-lo`,
      ),
    );
  }
  const missing = names.filter((name) => !maySet(entry, name)).join(", ");
  return denied(
    text(
      `${where}: does not let the command ${line} set ${missing}. Plan a change of that policy to list the names in env of its entry`,
      `${where}: não permite que o comando ${line} defina ${missing}. Planeje uma mudança dessa política que liste os nomes em env da entrada`,
    ),
  );
}

/** Why a server's command may not be run; null when it may, or it has none. */
export function commandProblem(server: Command, policy: CommandsPolicy | null): Refusal | null {
  if (server.command === undefined) return null;
  const found = allowedCommand(server, policy);
  return found instanceof Refusal ? found : null;
}

const neverSet = (names: readonly string[]): Text =>
  text(
    `${names.join(", ")}: no server may set a variable that says what code programs load or where they find each other`,
    `${names.join(", ")}: nenhum servidor pode definir uma variável que diz que código os programas carregam ou onde se encontram`,
  );

const denied = (detail: Text): Refusal => new Refusal("policy_denied", detail);

const maySet = ({ env }: AllowedCommand, name: string): boolean =>
  env.some((each) => (each.endsWith("*") ? name.startsWith(each.slice(0, -1)) : each === name));

function matches(
  { command, args }: { command: string; args: readonly string[] },
  allowed: AllowedCommand,
): boolean {
  if (allowed.command !== command) return false;
  if (allowed.args === undefined) return true;
  const isOpen = allowed.args.at(-1) === "**";
  const patterns = isOpen ? allowed.args.slice(0, -1) : allowed.args;
  if (isOpen ? args.length < patterns.length : args.length !== patterns.length) return false;
  return patterns.every((pattern, index) => pattern === "*" || pattern === args[index]);
}
