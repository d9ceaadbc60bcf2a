import type { LocalFieldError } from "../../errors.ts";
import { fieldError } from "../../errors.ts";

/** Where configuration may be written. */
const roots =
  /^(ciclo\.yaml|mcp-registry\.yaml|mcp-tools\.lock\.json|README\.md|(agents|policies|generated|docs)\/.+)$/;
/** `.git` in the spellings that some file systems take for it. */
const dotGit = /^(\.git|git~\d+)[. ]*(:.*)?$/i;
/** Characters that HFS+ passes over, that turn the reading of a name around, or that are not drawn. */
const unseen = /[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu;
/** Devices on Windows, whatever ending they have (Microsoft, "Naming Files, Paths, and Namespaces"). */
const device = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?$/i;

/** Why a path may not be written; null when it may. Symbolic links are looked for by the caller. */
export function pathProblem(path: string): LocalFieldError | null {
  const segments = path.split("/");
  if (path.startsWith("/") || /^[A-Za-z]:/.test(path) || path.includes("\\")) {
    return fieldError(
      path,
      "must be relative, with forward slashes",
      "deve ser relativo, com barras normais",
    );
  }
  if (segments.some((segment) => segment === "" || segment === "." || segment === "..")) {
    return fieldError(
      path,
      "must not contain empty, . or .. segments",
      "não pode conter segmentos vazios, . ou ..",
    );
  }
  if (segments.some((segment) => dotGit.test(segment.replaceAll(unseen, "")))) {
    return fieldError(path, "must not lead into .git", "não pode levar a .git");
  }
  // Approval rules are globs, which pass over hidden files.
  if (segments.some((segment) => segment.startsWith("."))) {
    return fieldError(
      path,
      "must not be hidden (start with a dot)",
      "não pode ser oculto (começar com ponto)",
    );
  }
  if (
    segments.some((segment) => /[. ]$/.test(segment) || device.test(segment) || /[<>:"|?*]/.test(segment))
  ) {
    return fieldError(
      path,
      'must not end in a dot or blank, be a device (con, nul, …) or hold < > : " | ? *: not every system can check it out',
      'não pode terminar em ponto ou espaço, ser um dispositivo (con, nul, …) nem conter < > : " | ? *: nem todo sistema consegue gravá-lo',
    );
  }
  if (path.search(unseen) >= 0) {
    return fieldError(
      path.replaceAll(unseen, "�"),
      "must not hold characters that are not drawn or turn the reading around",
      "não pode conter caracteres invisíveis ou que invertem a leitura",
    );
  }
  if (hasControlCharacter(path) || path.length > 500) {
    return fieldError(
      path.slice(0, 100),
      "must be at most 500 characters, none of them control characters",
      "deve ter até 500 caracteres, nenhum deles de controle",
    );
  }
  if (!roots.test(path)) {
    return fieldError(
      path,
      "is outside agents/, policies/, generated/, docs/ and the files at the root",
      "está fora de agents/, policies/, generated/, docs/ e dos arquivos da raiz",
    );
  }
  return null;
}

const hasControlCharacter = (path: string): boolean => /\p{Cc}/u.test(path);
