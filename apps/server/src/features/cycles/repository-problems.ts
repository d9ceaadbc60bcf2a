import { text } from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import { GitError } from "../../lib/git.ts";

/** What git could not do, as something that a person can mend. */
export async function explained<T>(address: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    const lines = error.stderr.split("\n").filter((line) => line.trim() !== "");
    // What a hook of the repository says comes first, and says most.
    const hooks = lines.filter((line) => line.startsWith("remote:")).slice(0, 5);
    const said = [...hooks, ...lines.filter((line) => !line.startsWith("remote:")).slice(-5)]
      .join(" ")
      .slice(0, 500);
    if (/could not read Username|Authentication failed|error: 40[13]/i.test(said))
      throw notLetIn(address, error);
    throw new Refusal(
      "repository_unavailable",
      text(
        `git cannot work with ${address}: ${said}. See to it that the console may read and push there, then resume the cycle`,
        `O git não consegue trabalhar com ${address}: ${said}. Garanta que a console possa ler e enviar ali, e retome o ciclo`,
      ),
      { cause: error, ...(passes.test(said) ? { retryAfter: 5 } : {}) },
    );
  }
}

/** What git says of a host that is away for now. */
const passes =
  /could not resolve host|connection (?:refused|timed out|reset|closed)|failed to connect|couldn't connect|operation timed out|early eof|remote end hung up|returned error: (?:408|429|5\d\d)|internal server error/i;

const notLetIn = (address: string, cause: unknown): Refusal =>
  new Refusal(
    "repository_unavailable",
    text(
      `${address} does not let the console in. At the forge of CICLO_FORGE its CICLO_FORGE_TOKEN has to reach that repository, to read and to write; elsewhere git needs credentials of the console's user. Then resume the cycle`,
      `${address} não deixa a console entrar. Na forja de CICLO_FORGE, o CICLO_FORGE_TOKEN precisa alcançar esse repositório, para ler e gravar; nas demais, o git precisa de credenciais do usuário da console. Depois retome o ciclo`,
    ),
    { cause },
  );

export const runsPrograms = (address: string, names: readonly string[]): Refusal =>
  new Refusal(
    "policy_denied",
    text(
      `${address} has a work tree, and settings that run programs on what is checked out there: ${names.join(", ")}. Let the cycle work on a bare clone of it`,
      `${address} tem uma árvore de trabalho e configurações que executam programas sobre o que é obtido ali: ${names.join(", ")}. Faça o ciclo trabalhar em um clone bare`,
    ),
  );

export const isElsewhere = (address: string, commit: string): Refusal =>
  new Refusal(
    "repository_unavailable",
    text(
      `This node does not have the commit ${commit}, and ${address} does not either: it was made on another node, or taken away. Resume from execute, or from prepare where the branch was rewritten`,
      `Este nó não tem o commit ${commit}, nem ${address}: foi feito em outro nó, ou removido. Retome de execute, ou de prepare se a branch foi reescrita`,
    ),
  );

export const noBranch = (address: string, branch: string): Refusal =>
  new Refusal(
    "not_found",
    text(
      `${address} has no branch ${branch}. Create it there and resume, or start another cycle for a branch that is there`,
      `${address} não tem a branch ${branch}. Crie-a ali e retome, ou inicie outro ciclo para uma branch que exista`,
    ),
  );

export const isEmpty = (address: string): Refusal =>
  new Refusal(
    "not_found",
    text(
      `${address} has no commit yet: a cycle begins from one`,
      `${address} ainda não tem commits: um ciclo parte de um`,
    ),
  );

export const isDetached = (address: string): Refusal =>
  new Refusal(
    "not_found",
    text(
      `${address} has no branch checked out: start the cycle with the branch that it is for`,
      `${address} não tem uma branch em uso: inicie o ciclo com a branch a que ele se destina`,
    ),
  );

export const isShallow = (address: string): Refusal =>
  new Refusal(
    "invalid_payload",
    text(
      `${address} is a shallow clone: a part of its history is missing. Run git fetch --unshallow there`,
      `${address} é um clone raso: falta parte do histórico. Execute git fetch --unshallow nele`,
    ),
  );
