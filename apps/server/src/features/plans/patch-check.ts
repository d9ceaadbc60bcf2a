import { fieldError, type LocalFieldError } from "../../errors.ts";
import { splitPatch } from "./assemble.ts";
import { pathProblem } from "./paths.ts";

/** What is wrong with a patch by its own text, whatever it is applied to. Git has the last word. */
export function patchProblems(patch: string): LocalFieldError[] {
  const files = splitPatch(patch);
  const headers = patch.split(/^(?=diff --git )/m).filter((part) => part !== "");
  if (!patch.startsWith("diff --git ")) {
    return [fieldError("patch", "is not a unified diff made by git", "não é um diff unificado do git")];
  }
  return [
    ...files.flatMap(({ path }) => pathProblem(path) ?? []),
    ...files.flatMap(({ path }, index) => headerProblems(path, headers[index] ?? "")),
  ];
}

const forbidden: [RegExp, string, string][] = [
  [
    /^(new|deleted) file mode 120000|^index \S+ 120000/m,
    "symbolic links are not changed here",
    "links simbólicos não são alterados aqui",
  ],
  [
    /^(new|deleted) file mode 160000|^index \S+ 160000|^[+-]Subproject commit/m,
    "submodules are not changed here",
    "submódulos não são alterados aqui",
  ],
  [
    /^(new file mode 100755|old mode|new mode)/m,
    "file modes are not changed here",
    "modos de arquivo não são alterados aqui",
  ],
  [
    /^(GIT binary patch|Binary files )/m,
    "binary files are not changed here",
    "arquivos binários não são alterados aqui",
  ],
  [
    /^(rename|copy) (from|to) /m,
    "renames are given as delete and create",
    "renomeações são dadas como apagar e criar",
  ],
];

function headerProblems(path: string, part: string): LocalFieldError[] {
  const contents = part.search(/^@@ /m);
  const header = contents < 0 ? part : part.slice(0, contents);
  return forbidden
    .filter(([pattern]) => pattern.test(header))
    .map(([, en, ptBR]) => fieldError(path, en, ptBR));
}
