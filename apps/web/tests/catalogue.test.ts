import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../server/tests/support/temporary.ts";
import { catalogue } from "./support/words.ts";

const web = fileURLToPath(new URL("..", import.meta.url));
const lingui = fileURLToPath(new URL("../../../node_modules/@lingui/cli/dist/lingui.js", import.meta.url));

/** Messages of a catalogue without what says where and when. */
const messagesOf = (path: string): string[] =>
  [...readFileSync(path, "utf8").matchAll(/^msgid (?:"[^\n]*"\n)+/gm)].map(([message]) => message).toSorted();

describe("the catalogues", () => {
  it("hold every message of the code and no other: run `npm run extract -w apps/web`", async () => {
    const folder = await temporaryFolder();
    for (const name of ["src", "lingui.config.ts", "package.json"])
      cpSync(`${web}${name}`, `${folder}/${name}`, { recursive: true });
    mkdirSync(`${folder}/node_modules`, { recursive: true });
    symlinkSync(
      fileURLToPath(new URL("../../../node_modules/@lingui", import.meta.url)),
      `${folder}/node_modules/@lingui`,
    );
    const { status, stdout, stderr } = spawnSync(process.execPath, [lingui, "extract", "--clean"], {
      cwd: folder,
      encoding: "utf8",
    });
    expect(status, stdout + stderr).toBe(0);
    for (const locale of ["en", "pt-BR"]) {
      const path = `src/locales/${locale}.po`;
      expect(messagesOf(`${web}${path}`)).toEqual(messagesOf(`${folder}/${path}`));
    }
  });

  it("have a translation for each, with the same placeholders", async () => {
    const portuguese = await catalogue("pt-BR");
    const source = readFileSync(`${web}src/locales/pt-BR.po`, "utf8");
    expect(source).not.toMatch(/^msgstr ""\n(?:\n|$)/m);
    const names = (text: string): string[] =>
      [...new Set(text.match(/\{\w+[,}]|<\d+\/?>/g) ?? [])].toSorted();
    for (const [message, translation] of portuguese) {
      expect(names(translation), message).toEqual(names(message));
    }
  });
});
