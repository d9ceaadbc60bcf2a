import {
  credentialPlaces,
  type IntentPayload,
  isPlaceholder,
  isPlainSetting,
  type RegistryServer,
  registryServerSchema,
  type Text,
  text,
} from "@ciclo/contract";
import { fieldErrors } from "../../lib/validation.ts";
import { slugFrom } from "./names.ts";
import type { ClientEntry } from "./client-files.ts";
import { type Credential, credentialsFrom } from "./credentials.ts";

/** A server of a client's file, as the registry would have it. */
export type Translated = {
  name: string;
  id: string;
  server: RegistryServer;
  credentials: Credential[];
  /** Names of keys that are yet to be stored: their values stand elsewhere, as `${input:…}` or `${env:…}`. */
  elsewhere: string[];
};

/** What an entry of a client's file comes to, or why it cannot be taken over. Pure. */
export function translate(
  name: string,
  entry: ClientEntry,
): Translated | { name: string; id: string; why: Text } {
  const id = slugFrom(name);
  const unfit = unfitFor(entry);
  if (unfit !== null) return { name, id, why: unfit };
  const given = { ...(entry.command === undefined ? entry.headers : entry.env) };
  const secret = Object.entries(given).filter(([key, value]) => !isPlainSetting(key, value));
  const plain = Object.entries(given).filter(([key, value]) => isPlainSetting(key, value));
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
  const places = credentialPlaces({ args: entry.args, url });
  if (places.includes("url")) {
    return {
      name,
      id,
      why: text(
        "its address carries a credential; put it into a header and import again",
        "seu endereço contém uma credencial; coloque-a em um cabeçalho e importe de novo",
      ),
    };
  }
  if (places.length > 0) {
    return {
      name,
      id,
      why: text(
        `its arguments carry a credential (${places.join(", ")}). Put it into a variable, or store it (ciclo keys add ${id}/NAME) and write secret:${id}/NAME in its place; then import again`,
        `seus argumentos contêm uma credencial (${places.join(", ")}). Coloque-a em uma variável, ou guarde-a (ciclo keys add ${id}/NOME) e escreva secret:${id}/NOME em seu lugar; depois importe de novo`,
      ),
    };
  }
  return { name, id, server: parsed.data, credentials, elsewhere: elsewhere.map(([key]) => nameOfKey(key)) };
}

/** What only the client that a file is for puts in: `${workspaceFolder}`, `${input:…}`. `${NAME}` alone some programs fill in. */
const ofClient =
  /\$\{(?:workspaceFolder(?:Basename)?|workspaceRoot|userHome|cwd|pathSeparator|(?:input|env|config|command):[^{}]*)\}/;

/** Why an entry is left where it is, whatever its values are. */
function unfitFor({
  disabled,
  enabled,
  command = "",
  args = [],
  url = "",
  serverUrl = "",
}: ClientEntry): Text | null {
  if (disabled === true || enabled === false)
    return text(
      "it is turned off in the file; turn it on there to take it over",
      "está desativado no arquivo; ative-o ali para importá-lo",
    );
  const [found] = [command, ...args, url, serverUrl].flatMap((value) => ofClient.exec(value)?.[0] ?? []);
  if (found === undefined) return null;
  return text(
    `${found} is filled in by the client alone; write the value itself there and import again`,
    `só o cliente preenche ${found}; escreva ali o próprio valor e importe de novo`,
  );
}

/** The reference that a value will have once its key is stored. */
function storedLater(id: string, name: string, value: string): string {
  const scheme = /^(Bearer |Basic |token )/.exec(value)?.[1] ?? "";
  return `${scheme}secret:${id}/${nameOfKey(name)}`;
}

const nameOfKey = (name: string): string => name.replace(/[^A-Za-z0-9_.]/g, "_").toUpperCase();

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

export type ImportedEntry = IntentPayload<"import_servers">["servers"][number];

/** The entry of an import's plan. */
export function entryOf({ server }: Translated, lock: ImportedEntry["lock"]): ImportedEntry {
  const { id, title, transport, url, command, args, env, headers } = server;
  return { id, title, transport, url, command, args, env, headers, lock };
}
