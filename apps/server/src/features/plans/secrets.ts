import { type LocalFieldError, fieldError } from "../../errors.ts";
import { maskSecrets } from "../../lib/mask-secrets.ts";

/** The scanner, which is heavy, and loaded with the first plan. */
async function loadScanner() {
  const { lintSource } = await import("@secretlint/core");
  const { creator } = await import("@secretlint/secretlint-rule-preset-recommend");
  const config = {
    rules: [
      {
        id: "@secretlint/secretlint-rule-preset-recommend",
        rule: creator,
        // Key ids too: off by default there, since an id alone opens nothing. Here it has no business either.
        rules: [{ id: "@secretlint/secretlint-rule-aws", options: { enableIDScanRule: true } }],
      },
    ],
  };
  return { lintSource, config };
}

/** Comments in the content itself must not switch the scan off. Positions stay. */
const withoutDirectives = (contents: string): string =>
  contents.replaceAll(/secretlint-(?=disable|enable)/g, "secretlint_");

/** Credentials in new contents, each by file and line; the values are not repeated. */
export async function findSecrets(files: ReadonlyMap<string, string | null>): Promise<LocalFieldError[]> {
  const { lintSource, config } = await loadScanner();
  const found: LocalFieldError[] = [];
  for (const [path, contents] of files) {
    if (contents === null) continue;
    const { messages } = await lintSource({
      source: { filePath: path, content: withoutDirectives(contents), contentType: "text" },
      options: { config, maskSecrets: true, noPhysicFilePath: true },
    });
    for (const message of messages) {
      const rule = message.ruleId.replace("@secretlint/secretlint-rule-", "");
      found.push(
        fieldError(
          `${path}:${message.loc.start.line}`,
          `carries a secret (${rule}). Store it as a key and refer to it as secret:<provider>/<NAME>`,
          `contém um segredo (${rule}). Guarde-o como chave e use a referência secret:<provider>/<NAME>`,
        ),
      );
    }
  }
  return found;
}

/** The same in what people write in words, where a value behind "password:" is a credential whatever its form. */
export async function findSecretsInWords(
  texts: ReadonlyMap<string, string | null>,
): Promise<LocalFieldError[]> {
  const found = await findSecrets(texts);
  if (found.length > 0) return found;
  return [...texts].flatMap(([path, words]) =>
    words === null || maskSecrets(words) === words ? [] : [saysCredential(path)],
  );
}

const saysCredential = (path: string): LocalFieldError =>
  fieldError(
    path,
    "seems to carry a secret. Leave it out: it would be kept for good. If it is a real one, rotate it",
    "parece conter um segredo. Retire-o: seria guardado para sempre. Se for verdadeiro, rotacione-o",
  );

/** Texts in a payload, by where they stand. Settings of servers are looked at on their own. */
export function wordsOf(value: unknown, path = ""): Map<string, string> {
  if (typeof value === "string") return new Map([[path, value]]);
  if (typeof value !== "object" || value === null) return new Map();
  const members = Object.entries(value).filter(
    ([name]) => !/^(?:args|env|headers|url|endpoint|command)$/.test(name),
  );
  return new Map(
    members.flatMap(([name, each]) => [...wordsOf(each, path === "" ? name : `${path}.${name}`)]),
  );
}
