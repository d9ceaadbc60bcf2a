import { fieldError, invalidPayload } from "../../errors.ts";

/** A credential as somebody gave it: a value for the store, or a reference to one that is there. */
export type Credential = {
  /** Header or environment variable. */
  name: string;
  /** What the configuration says: `secret:…`, with a scheme before it where the header has one. */
  reference: string;
  /** The key to store; null where a reference was given. */
  key: { provider: string; name: string; value: string } | null;
};

const schemes = /^(Bearer |Basic |token )/;
const referenceForm = /^(?:Bearer |Basic |token )?secret:[a-z0-9][a-z0-9-]*\/[A-Za-z0-9_.-]+$/;

/** Turns values into keys of a provider and the references to them. */
export function credentialsFrom(provider: string, values: Readonly<Record<string, string>>): Credential[] {
  return Object.entries(values).map(([name, given]) => {
    if (given.includes("secret:")) {
      if (referenceForm.test(given)) return { name, reference: given, key: null };
      throw invalidPayload([
        fieldError(
          `auth.${name}`,
          "a value, or a reference of the form secret:<provider>/<NAME>",
          "um valor ou uma referência da forma secret:<provedor>/<NOME>",
        ),
      ]);
    }
    const scheme = schemes.exec(given)?.[1] ?? "";
    const key = { provider, name: keyNameOf(name), value: given.slice(scheme.length) };
    return { name, reference: `${scheme}secret:${key.provider}/${key.name}`, key };
  });
}

/** `X-Api-Key` → `X_API_KEY`. */
const keyNameOf = (name: string): string => name.replace(/[^A-Za-z0-9_.]/g, "_").toUpperCase();

const sensitiveName = /auth|token|key|secret|passw|cookie|credential|\bpat\b/i;
/** Long, without blanks, and neither a path nor an address. */
const looksRandom = /^(?!\/|\.|~|https?:)(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9_\-.=+/]{24,}$/;

/** Whether a parameter of an address is a credential, by its name or by its look. */
export const looksSecret = (name: string, value: string): boolean =>
  sensitiveName.test(name) || looksRandom.test(value);

/** Switches, small numbers, levels, languages, media types, paths, hosts: nothing that opens a door. */
const harmless = [
  /^(true|false|yes|no|on|off|null|\d{1,6})?$/i,
  /^(trace|debug|info|warn|warning|error|silent|development|production|staging|test)$/i,
  /^[a-z]{2}[-_][A-Z]{2}(\.UTF-8)?$/,
  /^(application|text)\/[a-z+.-]+(, ?(application|text)\/[a-z+.-]+)*$/i,
  /^(~|\.{0,2}\/|[A-Za-z]:\\)[^@?]*$/,
  /^https?:\/\/[^@?#]*$/,
];

/**
 * Whether a header or variable of a client's file is to be kept as a key: all are, but for those
 * whose name and value are plainly harmless. One too many in the store costs nothing.
 */
export const isCredential = (name: string, value: string): boolean =>
  sensitiveName.test(name) || !harmless.some((form) => form.test(value));

/** A credential within an argument: `--token=…`, `--password …`, `scheme://user:secret@host`. */
export const argumentsCarryCredential = (args: readonly string[]): boolean =>
  args.some(
    (argument) =>
      /^--?[\w-]*(pass|token|secret|key|auth|credential)[\w-]*(=|$)/i.test(argument) ||
      /\w:\/\/[^/\s]*:[^/\s]*@/.test(argument),
  );
