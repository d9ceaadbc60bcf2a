import { hasLooseReference, isPlaceholder, referenceIn } from "@ciclo/contract";
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

/** Turns values into keys of a provider and the references to them. */
export function credentialsFrom(provider: string, values: Readonly<Record<string, string>>): Credential[] {
  return Object.entries(values).map(([name, given]) => {
    if (/secret:/i.test(given)) {
      if (referenceIn(given) !== null && !hasLooseReference(given))
        return { name, reference: given, key: null };
      throw invalidPayload([
        fieldError(
          `auth.${name}`,
          "a value, or a reference of the form secret:<provider>/<NAME>",
          "um valor ou uma referência da forma secret:<provedor>/<NOME>",
        ),
      ]);
    }
    if (isPlaceholder(given)) {
      throw invalidPayload([
        fieldError(
          `auth.${name}`,
          "stands for a value, and is none: give the value itself",
          "é um marcador, e não um valor: informe o próprio valor",
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
