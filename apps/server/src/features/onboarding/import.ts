import {
  type IntentPayload,
  type RegistryServer,
  registryServerSchema,
  type Text,
  text,
} from "@ciclo/contract";
import { fieldErrors } from "../../lib/validation.ts";
import { slugFrom } from "./names.ts";
import type { ClientEntry } from "./client-files.ts";
import {
  argumentsCarryCredential,
  type Credential,
  credentialsFrom,
  isCredential,
  looksSecret,
} from "./credentials.ts";

/** A server of a client's file, as the registry would have it. */
export type Translated = {
  name: string;
  id: string;
  server: RegistryServer;
  credentials: Credential[];
  /** Values that stand elsewhere: `${input:…}`, `${env:…}`. Their keys are yet to be stored. */
  elsewhere: string[];
};

/** What an entry of a client's file comes to, or why it cannot be taken over. Pure. */
export function translate(
  name: string,
  entry: ClientEntry,
): Translated | { name: string; id: string; why: Text } {
  const id = slugFrom(name);
  const given = { ...(entry.command === undefined ? entry.headers : entry.env) };
  const secret = Object.entries(given).filter(([key, value]) => isCredential(key, value));
  const plain = Object.entries(given).filter(([key, value]) => !isCredential(key, value));
  const elsewhere = secret.filter(([, value]) => isPlaceholder(value));
  const credentials = credentialsFrom(
    id,
    Object.fromEntries(
      secret.map(([key, value]) => [key, isPlaceholder(value) ? storedLater(id, key, value) : value]),
    ),
  );
  const url = entry.url ?? entry.serverUrl;
  const values = Object.fromEntries([
    ...plain,
    ...credentials.map(({ name: key, reference }) => [key, reference] as const),
  ]);
  const parsed = registryServerSchema.safeParse({
    id,
    title: name,
    transport: transportOf(entry),
    ...(entry.command === undefined ? { url } : { command: entry.command, args: entry.args ?? [] }),
    ...(Object.keys(values).length === 0
      ? {}
      : { [entry.command === undefined ? "headers" : "env"]: values }),
  });
  if (!parsed.success) {
    const [error] = fieldErrors(parsed.error);
    return {
      name,
      id,
      why: text(`${error?.path}: ${error?.message.en}`, `${error?.path}: ${error?.message["pt-BR"]}`),
    };
  }
  if (argumentsCarryCredential(entry.args ?? [])) {
    return {
      name,
      id,
      why: text(
        "its arguments carry a credential; put it into a variable and import again",
        "seus argumentos contêm uma credencial; coloque-a em uma variável e importe de novo",
      ),
    };
  }
  if (url !== undefined && carriesCredential(url)) {
    return {
      name,
      id,
      why: text(
        "its address carries a credential; put it into a header and import again",
        "seu endereço contém uma credencial; coloque-a em um cabeçalho e importe de novo",
      ),
    };
  }
  return { name, id, server: parsed.data, credentials, elsewhere: elsewhere.map(([key]) => key) };
}

const isPlaceholder = (value: string): boolean => /\$\{[^}]+\}/.test(value);

/** The reference that a value will have once its key is stored. */
function storedLater(id: string, name: string, value: string): string {
  const scheme = /^(Bearer |Basic |token )/.exec(value)?.[1] ?? "";
  return `${scheme}secret:${id}/${name.replace(/[^A-Za-z0-9_.]/g, "_").toUpperCase()}`;
}

function transportOf({
  type,
  transport,
  command,
  url = "",
  serverUrl = "",
}: ClientEntry): RegistryServer["transport"] {
  if (command !== undefined) return "stdio";
  const said = (type ?? transport ?? "").toLowerCase();
  if (said.includes("sse") || /\/sse\/?$/.test(url || serverUrl)) return "sse";
  return /^wss?:/.test(url || serverUrl) || said.includes("websocket") ? "websocket" : "streamable_http";
}

function carriesCredential(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { username, password, searchParams } = new URL(url);
  return (
    username !== "" || password !== "" || [...searchParams].some(([name, value]) => looksSecret(name, value))
  );
}

export type ImportedEntry = IntentPayload<"import_servers">["servers"][number];

/** The entry of an import's plan. */
export function entryOf({ server }: Translated, lock: ImportedEntry["lock"]): ImportedEntry {
  const { id, title, transport, url, command, args, env, headers } = server;
  return { id, title, transport, url, command, args, env, headers, lock };
}
