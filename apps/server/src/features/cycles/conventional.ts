import type lint from "@commitlint/lint";

type Options = NonNullable<Parameters<typeof lint>[2]>;

/** The types of `@commitlint/config-conventional` 21.2.4. */
type CommitType = (typeof types)[number];
const types = [
  "build",
  "chore",
  "ci",
  "docs",
  "feat",
  "fix",
  "perf",
  "refactor",
  "revert",
  "style",
  "test",
] as const;

const longestHeader = 100;
const longestLine = 100;

/**
 * A commit message as Conventional Commits have it: the message itself where commitlint's config-conventional accepts it, else one of
 * the same words under a header that it accepts. `type` is for a header that has none and does not begin with a verb that tells.
 */
export async function asConventional(whole: string, type: CommitType): Promise<string> {
  const message = cut(whole);
  if (await isConventional(message)) return message;
  const of = messageOf(message, type);
  const made = written(of);
  if (await isConventional(made)) return made;
  // Letters that have no lower case, or a word too long for a line: the words stay whole below a header of our own.
  const body = [message.trim().split(/\r?\n/, 1)[0] ?? "", "", of.body].join("\n");
  return (await isConventional(written({ ...of, body: "" })))
    ? made
    : written({ type: of.type, subject: unnamed, body });
}

/** A subject as the header of a commit, or the title of a pull request that may become one. */
export async function conventionalHeader(type: CommitType, subject: string): Promise<string> {
  return (await asConventional(`${type}: ${subject}`, type)).split("\n", 1)[0] ?? "";
}

/** Parsers of messages take more than their length in time; nobody reads such ones either. */
const mostCharacters = 10_000;
const mostOfLine = 1000;

function cut(message: string): string {
  if (message.length <= mostCharacters && message.split("\n").every((line) => line.length <= mostOfLine))
    return message;
  const lines = message.slice(0, mostCharacters).split("\n");
  return lines.map((line) => (line.length <= mostOfLine ? line : `${line.slice(0, mostOfLine)}…`)).join("\n");
}

/** Whether commitlint accepts a message. Of what it leaves out of account, such as `v1.2.3` or no message at all, nothing is accepted. */
export async function isConventional(message: string): Promise<boolean> {
  if (message.trim() === "") return false;
  const { check, rules, parser } = await commitlint();
  const { valid } = await check(message, rules, { parserOpts: parser, defaultIgnores: false });
  return valid;
}

// Loaded when it is needed: a console starts more often than an agent commits.
async function commitlint() {
  const [{ default: check }, { default: config }, { default: preset }] = await Promise.all([
    import("@commitlint/lint"),
    import("@commitlint/config-conventional"),
    import("conventional-changelog-conventionalcommits"),
  ]);
  const { parser } = preset() as { parser: Options["parserOpts"] };
  return { check, rules: config.rules, parser };
}

const header = new RegExp(`^(${types.join("|")})(\\([\\w./ -]{1,40}\\))?(!)?:\\s*(\\S.*)$`, "i");

/** What a subject begins with, in English and Portuguese, and the type of commit that it tells of. */
const verbs: readonly (readonly [RegExp, CommitType])[] = [
  [/^(?:fix(?:e[sd])?|corrects?|repairs?|resolves?|corrige|conserta)\b/i, "fix"],
  [/^(?:add(?:s|ed)?|implements?|introduces?|supports?|adiciona|implementa)\b/i, "feat"],
  [/^(?:refactors?|renames?|extracts?|simplif(?:y|ies)|refatora|renomeia|simplifica)\b/i, "refactor"],
  [/^(?:tests?|testa)\b/i, "test"],
  [/^(?:docs?|documents?|documenta)\b/i, "docs"],
  [/^reverts?\b/i, "revert"],
];

const unnamed = "changes without a title";

type Message = { type: string; subject: string; body: string };

/** The same words in the right form. Pure. */
function messageOf(message: string, otherwise: CommitType): Message {
  const [top = "", ...rest] = message.trim().split(/\r?\n/);
  const [, said, scope = "", breaking = "", subject = top.trim()] = header.exec(top.trim()) ?? [];
  const words = subject === "" ? unnamed : subject;
  const type =
    types.find((one) => one === said?.toLowerCase()) ??
    verbs.find(([verb]) => verb.test(words))?.[1] ??
    otherwise;
  const [begin = "", ...others] = words.replace(/[\s.]+$/, "").split(/\s+/);
  // A subject that begins with a capital is refused, as is one that begins with an acronym.
  const first = /\p{Ll}/u.test(begin)
    ? `${begin.charAt(0).toLowerCase()}${begin.slice(1)}`
    : begin.toLowerCase();
  const lowered = [first, ...others].join(" ");
  const whole = `${type}${scope.toLowerCase()}${breaking}`;
  const room = longestHeader - whole.length - 2;
  const isCut = lowered.length > room;
  return {
    type: whole,
    subject: isCut ? `${lowered.slice(0, room - 1).trimEnd()}…` : lowered,
    body: [...(isCut ? [words, ""] : []), ...rest].join("\n"),
  };
}

const written = ({ type, subject, body }: Message): string =>
  body.trim() === "" ? `${type}: ${subject}\n` : `${type}: ${subject}\n\n${wrapped(body.trim())}\n`;

const wrapped = (body: string): string =>
  body
    .split("\n")
    .flatMap((row) => {
      const rows = [""];
      for (const word of row.length > longestLine ? row.split(" ") : [row]) {
        const last = rows.at(-1) ?? "";
        // The rest of a trailer is indented, as git reads it.
        const room = /^[\w-]+: /.test(row) ? "  " : "";
        if (last === "") rows[rows.length - 1] = word;
        else if (last.length + 1 + word.length <= longestLine) rows[rows.length - 1] = `${last} ${word}`;
        else rows.push(`${room}${word}`);
      }
      return rows;
    })
    .join("\n");
