import {
  credentialInUrl,
  credentialWords,
  isCredential,
  isPlaceholder,
  isPlainSetting,
  referenceIn,
  withoutAssigned,
} from "@ciclo/contract";

const mask = "•••";
/** Beginnings by which issuers mark their tokens. */
const issued =
  /\b(?:ciclo_run_|gh[pousr]_|github_pat_|glpat-|gldt-|sk-|pk_live_|sk_live_|rk_live_|xox[abeprs]-|AKIA|ASIA|AIza|ya29\.|eyJ|npm_|pypi-|hf_|dop_v1_|SG\.)[\w.=/+-]{8,}/g;
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;
const inAddress = /(\b[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:)[^/\s@]+(?=@)/gi;
/** "my token is …", "senha: …", "API_KEY=…". The value may stand in quotes. */
const named =
  /\b((?:[\w-]*(?:password|passwd|pwd|senha|token|secret|segredo|api[-_ ]?key|chave(?: de api)?|credential|credencial|bearer))(?:\s+(?:is|are|é|eh|e|=|:|->)\s*|\s*[:=]\s*|\s+))(["'`]?)([^\s"'`,;]{6,})\2/gi;

/** "A senha do hub é …", "set the key hub/TOKEN to …": the value comes some words behind, and looks like no word. */
const distant =
  /((?:\b(?:password|passphrase|passcode|senha|secret|segredo|token|api[-_ ]?key|key|chave|credential|credencial)\b(?:\s+[\w./-]+){0,6}?|\b[a-z][\w-]*\/[A-Z][A-Z0-9_]+),?\s+(?:(?:which|that|que)\s+)?(?:is|are|é|eh|to|para|with|com|como|as|=|:|->)\s+)(["'`]?)(?=[^\s"'`,;]*[^\s"'`,;A-Za-zÀ-ÿ.:?!-])([^\s"'`,;]{6,})\2/gi;
/** "User admin, pass …", "login admin/…": of two words, the second. It has to look like no word. */
const login =
  /((?:\bpass(?:\s+is|\s*[:=])?|\b(?:login|logins|credentials|credenciais|acesso|usuario|user)\b[:,]?(?:\s+(?:is|are|é|são))?\s+[\w.@-]+\s*(?:\/|:|,|\s)\s*(?:pass(?:word)?\s+)?)\s*)(?=[^\s"'`,;]*\d)(?=[^\s"'`,;]*[A-Za-z])(?![\w-]*\.\w+(?:\s|$))([^\s"'`,;]{8,})/gi;
const aWord =
  "(?:password|passphrase|passcode|senha|secret|segredo|token|api[-_ ]?key|chave|credential|credencial|pin)";
/** "Hj#8!x is my password", "use Hj#8!x as the token of hub": the word comes behind the value. */
const behind = new RegExp(
  String.raw`(?<![^\s"'\x60(|])[^\s"'\x60,;()|]{6,}(?=["'\x60]?,?\s+(?:(?:which|that|que)\s+)?(?:is|are|é|eh|as|como|será|sera)\s+` +
    String.raw`(?:(?:my|the|a|o|our|your|minha|meu|sua|seu|nossa|nosso|new|nova|novo)\s+){0,3}(?:[\w-]+\s+)?${aWord}\b)`,
  "gi",
);
/** "Troque a senha do hub por …", "senha do admin → …", "| senha | … |", "senha (admin): …", "my password's …". */
const beyond = new RegExp(
  String.raw`(\b${aWord}(?:['’]s)?(?:\s*\([^()]{0,40}\))?(?:\s+[\w./-]+){0,6}?\s*` +
    String.raw`(?:→|->|=>|:|=|\||\b(?:should be|will be|must be|por|by|agora (?:é|eh)|now is|is now|será|sera|deve ser):?(?=\s)|['’]s)\s*)` +
    String.raw`(["'\x60]?)([^\s"'\x60,;|]{6,})\2`,
  "gi",
);
/** What nobody writes as a word: letters with digits or signs among them. */
const isNoWord = (value: string): boolean =>
  /[A-Za-z]/.test(value) &&
  /[\d#@!$%&*+=?^~]/.test(value.replace(/[.:!?]+$/, "")) &&
  !/^(?:https?:|secret:|[\w.-]+\.\w{2,4}$|[\w-]+@[\w.-]+\.\w+$|[\w-]+\/[A-Z][A-Z0-9_]+$|[a-z]+(?:-[a-z]+)*-v?\d{1,2}$)/.test(
    value,
  );

/** Words that stand behind "token:" in a sentence about one. */
const aboutOne =
  /^(?:required|optional|needed|mandatory|missing|invalid|expired|unknown|rotated|revoked|tokens?|keys?|obrigat[óo]ri[oa]|opcional|necess[áa]ri[oa]|inv[áa]lid[oa]|expirad[oa]|ausente)[.!]?$/i;
const passphrase = /(\bpassphrase\s+(?:is|=|:)\s*)[^.\n]+/gi;

/** A text without what looks like a credential: by its form, by its look, or by the word before it. References stay. */
export function maskSecrets(text: string): string {
  return maskWords(withoutAssigned(maskSettings(text), mask))
    .replaceAll(privateKey, mask)
    .replaceAll(inAddress, `$1${mask}`)
    .replaceAll(issued, mask)
    .replaceAll(behind, (value) => (isNoWord(value) && !isPlaceholder(value) ? mask : value))
    .replaceAll(beyond, (all: string, before: string, quote: string, value: string) =>
      isNoWord(value) && !isPlaceholder(value) ? `${before}${quote}${mask}${quote}` : all,
    )
    .replaceAll(named, (all: string, before: string, quote: string, value: string) =>
      referenceIn(all) !== null ||
      value.startsWith("secret:") ||
      isPlaceholder(value) ||
      aboutOne.test(value) ||
      !looksGiven(before, value)
        ? all
        : `${before}${quote}${mask}${quote}`,
    )
    .replaceAll(passphrase, `$1${mask}`)
    .replaceAll(login, (all: string, before: string, value: string) =>
      /^(?:secret:|https?:)/.test(value) || isPlaceholder(value) ? all : `${before}${mask}`,
    )
    .replaceAll(distant, (all: string, before: string, quote: string, value: string) =>
      referenceIn(all) !== null ||
      /^(?:secret:|https?:|[a-z][\w-]*\/[A-Z][A-Z0-9_]*[.,?!]*$)/.test(value) ||
      isNumber.test(value) ||
      isPlaceholder(value)
        ? all
        : `${before}${quote}${mask}${quote}`,
    )
    .replaceAll(/\b(?:https?|wss?):\/\/[^\s"'`<>]+/gi, (url) =>
      credentialInUrl(url) === null ? url : `${new URL(url).origin}/${mask}`,
    )
    .replaceAll(
      /(?<!\b(?:commit|revision|sha|hash|plan)[:\s]+)(?<![^\s"'`,;()<>])[^\s"'`,;()<>]{16,}/gi,
      (word) => (isCredential("", word) && !word.startsWith("secret:") ? mask : word),
    );
}

const isNumber = /^[-+$€£R]*\d[\d.,]*[%a-z]{0,12}[.!?)]*$/i;

const hash = /^[0-9a-f]{7,64}$/i;

/** Values of `"env": {…}` and `"headers": {…}` in pasted configuration, whatever they are called. */
const maskSettings = (text: string): string =>
  text.replaceAll(/"(?:env|headers)"\s*:\s*\{[^{}]*\}/g, (block) =>
    block.replaceAll(
      /"([^"]+)"(\s*:\s*)"([^"]+)"/g,
      (all: string, name: string, between: string, value: string) =>
        isPlainSetting(name, value) || referenceIn(value) !== null || isPlaceholder(value)
          ? all
          : `"${name}"${between}"${mask}"`,
    ),
  );

/** Credentials in the words of a command line: `-e DB_PASS=…`, `-u admin:…`, `mysql -p…`. */
function maskWords(text: string): string {
  const words = text.split(/\s+/).map((word) => word.replaceAll(/^["'`(]+|["'`),;]+$/g, ""));
  const found = new Set(
    credentialWords(words).filter((word) => word.length > 3 && !word.includes(mask) && !hash.test(word)),
  );
  return [...found].reduce((masked, word) => masked.replaceAll(word, mask), text);
}

/** Behind a colon or "is" anything may be one; behind a blank alone it has to hold digits or signs, as words do not. */
const looksGiven = (before: string, value: string): boolean =>
  /(?:[:=]|\b(?:is|are|é|eh)\s)\s*$/i.test(before)
    ? !/^https?:\/\//.test(value)
    : /\d/.test(value) && /[A-Za-z]/.test(value);

/** A value with every text in it masked, by the name of its field too. Shapes stay. */
export function maskFields(value: unknown, name = ""): unknown {
  if (typeof value === "string") return isCredential(name, value) ? mask : maskSecrets(value);
  if (Array.isArray(value)) return value.map((each) => maskFields(each, name));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, maskFields(each, key)]));
}
