import { hasLooseReference, referenceIn } from "./references.ts";

const set = (words: string): ReadonlySet<string> => new Set(words.split(" "));

/** Names that announce a credential: `--api-key`, `GITHUB_TOKEN`. Words are told apart by case and signs. */
const strong = set(
  "token tokens secret secrets apikey accesskey secretkey privatekey authkey signingkey encryptionkey masterkey sharedkey authorization cookie bearer credential credentials cred creds segredo segredos credencial",
);
/** Names that announce one even where the value is a number or a common word. */
const strongest = set(
  "password passwords passwd passphrase passcode pass pwd pw mnemonic seedphrase recoveryphrase senha senhas contrasena contrasenas passwort kennwort motdepasse",
);
/** Names that may: then the value has to look like one too. */
const weak = set(
  "auth pat key keys dsn sig signature code session sid sessionid jwt chave pin otp hash sas t k",
);
/** The same at the end of a word that runs together: `PGPASS`, `dbpassword`. */
const runTogether =
  /(?<!\b(?:by|com|sur|over|under|tres))(?:pass|password|passwd|passphrase|secret|apikey|token|senha)$/;

const wordsOf = (name: string): string[] =>
  name
    .normalize("NFD")
    .replaceAll(/\p{M}/gu, "")
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");

/** Words that the name ends with: `x-api-key` ends with `key` and with `apikey`. A name such as `key-file` announces none. */
function endsWithOneOf(name: string, endings: ReadonlySet<string>): boolean {
  const words = wordsOf(name);
  return endings.has(words.at(-1) ?? "") || endings.has(words.slice(-2).join(""));
}

/** Endings of names that are about a credential, and are none: `--password-file`, `token-type`. */
const about = set(
  "file files path paths dir folder type types name names policy length size ttl expiry expires limit limits count max min url uri endpoint id ids field header headers env prompt mode method enabled required budget store page per format version algorithm rotation hash hashes next prev cursor manager helper provider providers backend source vault engine scope scopes strategy driver plugin class factory filter verifier model kind",
);
/** Words that announce one wherever they stand in a name, but for what is about one: `--secret-key-base`, `--senha-do-banco`. */
const loud = set(
  "password passwd passphrase pwd senha secret segredo apikey token credential passe contrasena passwort",
);

function saysLoudly(name: string): boolean {
  const words = wordsOf(name).map((word) => word.replace(/\d+$/, ""));
  const isLoud = words.some((word) => loud.has(word)) || /\b(?:chave api|api key)\b/.test(words.join(" "));
  return isLoud && !about.has(words.at(-1) ?? "");
}

const announces = (name: string): boolean =>
  endsWithOneOf(name, strong) ||
  saysLoudly(name) ||
  (runTogether.test(wordsOf(name).at(-1) ?? "") && !/^(?:max|min)/.test(name));

const switches = /^(true|false|yes|no|on|off|null|none|auto|default|prompt|keychain|stdin)?$/i;
/** Numbers, levels, languages, media types, paths and addresses without a user: nothing that opens a door. */
const harmless = [
  switches,
  /^-?\d{1,9}([._]\d{1,9})?[kmgb%]{0,2}$/i,
  /^(basic|bearer|oauth2?|jwt|api[-_]?key|header|query|env|stdio|device|browser)$/i,
  /^(trace|debug|info|warn|warning|error|silent|development|production|staging|test)$/i,
  /^[a-z]{2}[-_][A-Z]{2}(\.UTF-8)?$/,
  // Regions and time zones.
  /^[a-z]{2}(?:-[a-z]+){1,3}-\d$/,
  /^(?:UTC|[A-Z][A-Za-z]+\/[A-Z][A-Za-z_+-]+(?:\/[A-Z][A-Za-z_]+)?)$/,
  /^(application|text)\/[a-z+.-]+(, ?(application|text)\/[a-z+.-]+)*$/i,
  /^(~|\.{0,2}\/|[A-Za-z]:\\)[^@?]*$/,
  /^https?:\/\/[^@?#]*$/,
];
const isHarmless = (value: string): boolean => harmless.some((form) => form.test(value));
const mixed = /^(?=.*\d)(?=.*[A-Za-z]).{8,}$/s;

const isDigestName = /(?:^|[-_.])(?:sha\d*|commit|rev|revision|digest|checksum|etag|ref|hash)$/i;

const isNameOfNone =
  /(?:page|next|prev|continuation|stop|eos|bos|pad|eot|start|end)[-_]?tokens?$|cursor$|(?:cache|sort|partition|primary|foreign|group|object|row|idempotency|public)[-_]?keys?$/i;
/** What ends in an id says which one it is: of a trace, a project, a client. */
const isIdOf = (name: string, value: string): boolean =>
  /(?:^|[-_ ])(?:trace|span|request|project|tenant|client|team|account|app|workspace|org|device|parent|run|job)[-_ ]?id$/i.test(
    name.replaceAll(/([a-z0-9])([A-Z])/g, "$1-$2"),
  ) && /^(?:[0-9a-f-]{8,40}|\d+-[a-z0-9]+\.apps\.googleusercontent\.com)$/i.test(value);
/** `com.example.security.TokenVerifier2`. */
const isClassName = (value: string): boolean => /^(?:[a-z][a-z0-9_]*\.){2,}[A-Z]\w*$/.test(value);

/** Whether a value is a credential by what it is called. Numbers and switches are none: `--max-tokens 4000`. Pure. */
export function isAnnouncedCredential(name: string, value: string): boolean {
  // A page, a digest, a place in a table or the end of a text is called so and opens nothing.
  if (isNameOfNone.test(name)) return false;
  if (endsWithOneOf(name, strongest)) return value.length > 2 && !switches.test(value);
  if (isHarmless(value) || (isDigestName.test(name) && /^[0-9a-f]{7,64}$/i.test(value))) return false;
  return announces(name) || (endsWithOneOf(name, weak) && mixed.test(value));
}

/** A run of letters and digits that nobody would choose: long, and going to and fro between kinds of characters. */
const looksRandom = (value: string): boolean =>
  runsOf(value, 16).some(({ kinds, changes, density }) => kinds.has("0") && changes >= 4 && density >= 0.2);

/** The same where names and numbers are rare, in variables, headers and addresses: a shorter run, of all kinds. */
const looksMixed = (value: string): boolean =>
  looksRandom(value) || runsOf(value, 10).some(({ kinds, changes }) => kinds.size === 3 && changes >= 5);

function runsOf(value: string, atLeast: number): { kinds: Set<string>; changes: number; density: number }[] {
  // Hashes that pin something: image@sha256:…, repo#<commit>, tree/<commit>, sha512-<Base64>.
  const unpinned = value
    .replaceAll(/(?:sha\d{1,3}[:-]|[@#]|\/(?:tree|commits?|blob|raw|archive)\/)[0-9a-f]{40,128}\b/gi, "")
    .replaceAll(/\bsha(?:256|384|512)-[A-Za-z0-9+/]{43,88}={0,2}/g, "");
  return (unpinned.match(/[A-Za-z0-9]+/g) ?? [])
    .filter((run) => run.length >= atLeast)
    .map((run) => {
      const kinds = Array.from(run, (each) => (/\d/.test(each) ? "0" : /[a-z]/.test(each) ? "a" : "A"));
      const changes = kinds.filter((kind, index) => index > 0 && kind !== kinds[index - 1]).length;
      // Words begin with a capital: `QuarterlyReports2024`.
      const starts = kinds.filter(
        (kind, index) => index > 0 && kind === "a" && kinds[index - 1] === "A",
      ).length;
      return { kinds: new Set<string>(kinds), changes, density: (changes - starts) / run.length };
    });
}

/** `scheme://user:password@host`, and the parts of a connection string: `Password=…;`, `password=… host=…`. */
const connectionString = [
  /\b[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:[^/\s@]+@/i,
  /(?:^|[;\s?&])(?:password|pwd|passwd|secret|token|api[-_]?key|accesskey|sharedaccesskey)\s*=\s*[^;\s&]+/i,
];

/** `NAME=value`, `"name": "value"`: names and values within a text. */
const assignment =
  /(?<![\w.-])["']?([A-Za-z][\w.-]*)["']?\s*[=:]\s*(?:(?:Bearer|Basic|token) +)?["']?([^\s;&"',}]+)/g;
/** `name/password@host:port`, as databases take it. */
const userAtHost = /(?:^|:)[\w.-]+\/[^\s@/]{4,}@[\w.-]+:\d{2,5}\b/;

/** Whether a value is a credential, by its own look, or holds one by name. References are none. */
function isCredentialValue(value: string): boolean {
  if (isClassName(value)) return false;
  if (referenceIn(value) !== null && !hasLooseReference(value)) return false;
  return (
    connectionString.some((form) => form.test(value)) ||
    looksRandom(value) ||
    userAtHost.test(value) ||
    withoutAssigned(value, "") !== value
  );
}

/** What a sentence about a credential says of it. */
const aboutCredential =
  /^(?:(?:required|optional|needed|missing|invalid|expired|obrigat|opcional)|(?:tokens?|keys?|where|how|what|who|when|why|which|onde|como|qual|quem|quando)(?![\w-]))/i;

/** A text in which the values that are announced by their names (`DB_PASS=…`, `"token": "…"`) are replaced. Pure. */
export const withoutAssigned = (text: string, mask: string): string =>
  text.replaceAll(assignment, (all: string, name: string, given: string) =>
    referenceIn(given) === null &&
    !aboutCredential.test(given) &&
    !/^secret:[\w-]+\/\w+/i.test(all) &&
    isAnnouncedCredential(name, given) &&
    !isPlaceholder(given)
      ? all.slice(0, all.lastIndexOf(given)) + mask
      : all,
  );

const placeholderForms = [
  /^\s*$/,
  /^<+[^<>]*>+$/,
  /^\[[A-Za-z _-]*\]$/,
  /^(your|insert|enter|replace|paste|coloque|insira|cole|digite|preencha)([-_ ]\p{L}+)+$/iu,
  /^my[-_ ](api[-_ ]?)?(key|token|secret|password)$/i,
  /^(change[-_ ]?me|todo|tbd|placeholder|example|dummy|redacted|secret|token|password|api[-_]?key)$/i,
  /^(.)\1{2,}$/,
  /^[x*.•…]{3,}$/i,
  /^[-–—_.]+$/,
  /^\$([A-Z_][A-Z0-9_]*|[a-z_]+)\$?$/,
  /^\$env:\w+$/i,
  /^\$\{[^{}]*\}$/,
  /\$\{(\w+:)?[A-Z_][A-Z0-9_]+\}/,
  /^\$?\{\{.*\}\}$/,
  /\{(env|input|file|var|secret):[^{}]*\}/i,
  /^\{[A-Za-z_][\w. -]*\}$/,
  /^%[A-Za-z_]\w*%$/,
  /^(undefined|null|none|nil|nan|n\/a|true|false|hidden|masked|test|testing|foo|bar|abc|troque[-_ ]me|a definir|tbd)$/i,
  /^["'`]+$/,
  /^\*+\w*\*+$/,
  /^__\w+__$/,
  /^[#@]\{?\w+\}?[#@]?$/,
  /^(process\.)?env\.\w+$/,
  /^os\.(environ|getenv)\b/,
  /:\/\/(<[^<>]+>|user|username|usuario):(<[^<>]+>|pass|password|senha)@/i,
  /^env:\w+$/i,
  /^\$\(.*\)$/,
  /^`.*`$/,
  /^!\w+ \S+$/,
  /^(op|vault|aws-sm|gcp-sm|keyvault|doppler|infisical|bw):/i,
  /^0?123456789?0?$/,
  /(\.{3}|…)$/,
  // A beginning that issuers mark their tokens with, and nothing behind it.
  /^([a-z]{2,10}[-_])+([x*•0]{3,}|1234\d*|abc\w{0,5})$/i,
  /^(?=.*(key|token|secret|password|senha|chave|segredo))(.*[-_ ])?(your|my|seu|sua|insira|coloque|digite|cole|aqui|here)([-_ ].*)?$/i,
];

/** Whether a value stands for one that somebody has yet to put in: `YOUR_TOKEN`, `<token>`, `xxx`, `${TOKEN}`. Pure. */
export function isPlaceholder(value: string): boolean {
  const bare = value.replace(/^(Bearer|Basic|token) +/i, "").trim();
  return placeholderForms.some((form) => form.test(bare));
}

/** Whether a named value is a credential: by its name, or by its own look. References are none. Pure. */
export const isCredential = (name: string, value: string): boolean =>
  referenceIn(value) === null &&
  !isIdOf(name, value) &&
  (isCredentialValue(value) || isAnnouncedCredential(name, value));

/** The same of a variable, header or part of an address, where a shorter look is enough. Pure. */
const isNamedCredential = (name: string, value: string): boolean =>
  isCredential(name, value) ||
  (referenceIn(value) === null && !isClassName(value) && !isIdOf(name, value) && looksMixed(value));

/** Names of what is no secret: which workspace, channel, project or place it is. */
const namesPlainThing =
  /(?:^|_)(?:(?:TEAM|CHANNEL|PROJECT|WORKSPACE|ORG|ORGANIZATION|TENANT|SITE|BOARD|SPACE|DATABASE|DB|REPO|REPOSITORY|GROUP)_(?:ID|IDS|NAME|KEY)|REGION|ZONE|TZ|TIMEZONE|LOCALE|LANG|LANGUAGE|HOST|HOSTNAME|PORT|MODEL|USERNAME|USER)$/i;

/** Whether a value is plainly no credential, so that it may be read by everybody. One too many that is not costs nothing. Pure. */
export const isPlainSetting = (name: string, value: string): boolean =>
  (isHarmless(value) ||
    (namesPlainThing.test(name) && /^[\w.,:@ -]{1,60}$/.test(value) && !looksMixed(value))) &&
  !isCredential(name, value) &&
  // `API_KEY` with nothing in it waits for a key.
  !(isPlaceholder(value) && (endsWithOneOf(name, strongest) || endsWithOneOf(name, strong)));

const takesVariable = /^(-e|--env|--build-arg)$/;
const takesHeader = /^(-H|--header|--headers)$/;
/** Switches behind which stands `name:password`. */
const takesUser = /^(-u|-U|--user|--login|--auth|--basic|--basic-auth|--userpass|--proxy-user)$/;
/** Switches that some programs take a password by, and others a port, a project or a width. */
const takesPassword = /^-[pPaw]$/;
const isChosenPassword = (value: string): boolean =>
  /^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[^\s:/=,]{8,}$/.test(value) && referenceIn(value) === null;
/** A password that is glued to its switch, `-pSECRET`: no port, path or list. */
const gluedPassword = /^-[pPW](?=[^\s]*\d)(?=[^\s]*[A-Za-z])[^\s:/=,]{6,}$/;

/** Indexes of arguments that hold a credential: by their look, or by the switch, variable or header that they stand for. */
function credentialArguments(args: readonly string[]): number[] {
  return args.flatMap((given, index) => {
    // Names of variables that the program itself fills in: `--header Authorization:${AUTH_HEADER}`.
    const argument = given.replaceAll(/\$\{[A-Za-z_]\w*\}/g, "");
    // Of `-e TOKEN image` the name is the switch's, and the image nobody's.
    const before = takesVariable.test(args[index - 2] ?? "") ? "" : (args[index - 1] ?? "");
    if (gluedPassword.test(argument)) return [index];
    const inline = /^(--?\p{L}[\p{L}\w.-]*)[=:](.*)$/su.exec(argument);
    const [option, value] = inline === null ? [before, argument] : [inline[1] ?? "", inline[2] ?? ""];
    return holdsCredential(option, value) || isLineWithCredential(argument) ? [index] : [];
  });
}

/** A command line as one argument, `sh -c "run --password …"`: what a switch in it stands before. */
function isLineWithCredential(argument: string): boolean {
  const words = argument.split(/\s+/);
  return words.some(
    (word, index) =>
      gluedPassword.test(word) ||
      (/^--?\p{L}/u.test(words[index - 1] ?? "") && holdsCredential(words[index - 1] ?? "", word)),
  );
}

function holdsCredential(option: string, value: string): boolean {
  if (takesPassword.test(option) && isChosenPassword(value)) return true;
  if (takesVariable.test(option)) {
    const [, name = "", given = ""] = /^([^=]*)=(.*)$/s.exec(value) ?? [];
    return isNamedCredential(name, given);
  }
  if (takesHeader.test(option)) {
    const [, name = "", given = ""] = /^([^:=]*)[:=]\s*(?:Bearer |Basic |token )?(.*)$/s.exec(value) ?? [];
    return isNamedCredential(name, given);
  }
  if (takesUser.test(option) && hasPassword(value)) return true;
  // A switch, or a name in capitals that stands alone: `API_KEY value`.
  if (isDigestName.test(option) && /^[0-9a-f]{7,64}$/i.test(value)) return false;
  const isNamed = (option.startsWith("-") || /^[A-Z][A-Z0-9_]{2,}$/.test(option)) && !value.startsWith("-");
  return isCredential(isNamed ? option : "", value);
}

/** `name:password`, where `1000:1000` and `node:node` are a user and a group. */
function hasPassword(value: string): boolean {
  const [, name, password] = /^([^:\s]+):(\S{3,})$/.exec(value) ?? [];
  if (password === undefined) return false;
  return name !== password && !/^(?:\d+|[a-z][a-z_-]*)$/.test(password) && referenceIn(password) === null;
}

/** The part of an address that holds a credential; null where none does. */
export function credentialInUrl(address: string): "user" | "query" | "path" | "fragment" | null {
  if (!URL.canParse(address)) return null;
  const { username, password, searchParams, pathname, hash } = new URL(address);
  if (username !== "" || password !== "") return "user";
  if ([...searchParams].some(([name, value]) => isNamedCredential(name, value))) return "query";
  // A fragment never reaches the server: what looks like one is a mistake at best.
  if (isNamedCredential("", decoded(hash.slice(1)))) return "fragment";
  const parts = decoded(pathname).split(/[/;]/);
  return parts.some((part) => isNamedCredential("", part)) ? "path" : null;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The words of a command line or a sentence that are, or hold, a credential. Pure. */
export const credentialWords = (words: readonly string[]): string[] =>
  credentialArguments(words).map((index) => words[index] ?? "");

/** Where a server is told to be, as far as credentials may stand in it. */
export type Reached = {
  args?: readonly string[] | undefined;
  url?: string | undefined;
  env?: Readonly<Record<string, string>> | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
};

/** Where a registry entry holds a credential that should be a stored key: `args.2`, `url`, `env.TOKEN`. Pure. */
export function credentialPlaces({ args = [], url, env, headers }: Reached): string[] {
  const named = Object.entries({ env, headers }).flatMap(([field, values]) =>
    Object.entries(values ?? {}).flatMap(([name, value]) =>
      isNamedCredential(name, value) || isLineWithCredential(value) ? [`${field}.${name}`] : [],
    ),
  );
  const inUrl = url !== undefined && credentialInUrl(url) !== null;
  return [...credentialArguments(args).map((index) => `args.${index}`), ...(inUrl ? ["url"] : []), ...named];
}
