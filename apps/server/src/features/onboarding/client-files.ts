import { isDeepStrictEqual } from "node:util";
import { type McpClient, type Text, text } from "@ciclo/contract";
import { type ParseError, parse, printParseErrorCode } from "jsonc-parser";
import { z } from "zod";
import { fieldError, invalidPayload } from "../../errors.ts";
import { removeMember, setMember } from "./json-edit.ts";

/** The `mcp.json` files of the clients that people use: read, and rewritten. */

/** Where each keeps its servers, and how it says that a server is reached by HTTP with a token. */
type ClientForm = {
  /** The member that holds the servers. */
  servers: "mcpServers" | "servers";
  path: string;
  entry(url: string): Record<string, unknown>;
  /** Members beside the servers. */
  beside?: Record<string, unknown>;
  notes: Text[];
};

const exportToken = text(
  "Set CICLO_TOKEN in the environment that the client starts in: export CICLO_TOKEN=…",
  "Defina CICLO_TOKEN no ambiente em que o cliente inicia: export CICLO_TOKEN=…",
);
const tokenInput = {
  type: "promptString",
  id: "ciclo-token",
  description: "Ciclo token",
  password: true,
};

const forms: Record<McpClient, ClientForm> = {
  intellij: {
    servers: "mcpServers",
    path: "Settings | Tools | AI Assistant | Model Context Protocol (MCP)",
    entry: (url) => ({ url, headers: { Authorization: "Bearer <CICLO_TOKEN>" } }),
    notes: [
      text(
        "Replace <CICLO_TOKEN> by your own token: the IDE takes no variables there.",
        "Substitua <CICLO_TOKEN> pelo seu token: a IDE não aceita variáveis ali.",
      ),
    ],
  },
  vscode: {
    servers: "servers",
    path: ".vscode/mcp.json",
    entry: (url) => ({ type: "http", url, headers: { Authorization: "Bearer ${input:ciclo-token}" } }),
    beside: { inputs: [tokenInput] },
    notes: [
      text(
        "VS Code asks for the token once and keeps it in its own store.",
        "O VS Code pede o token uma vez e o guarda em seu próprio cofre.",
      ),
    ],
  },
  "claude-code": {
    servers: "mcpServers",
    path: ".mcp.json",
    entry: (url) => ({ type: "http", url, headers: { Authorization: "Bearer ${CICLO_TOKEN}" } }),
    notes: [exportToken],
  },
  cursor: {
    servers: "mcpServers",
    path: ".cursor/mcp.json",
    entry: (url) => ({ url, headers: { Authorization: "Bearer ${env:CICLO_TOKEN}" } }),
    notes: [exportToken],
  },
};

const values = z.record(z.string().max(200), z.coerce.string().max(8000));
const entrySchema = z.looseObject({
  type: z.string().max(50).optional(),
  transport: z.string().max(50).optional(),
  command: z.string().max(500).optional(),
  args: z.array(z.coerce.string().max(1000)).max(100).optional(),
  env: values.optional(),
  url: z.string().max(2000).optional(),
  serverUrl: z.string().max(2000).optional(),
  headers: values.optional(),
  /** Clients write the one or the other for a server that they do not start. */
  disabled: z.boolean().optional().catch(undefined),
  enabled: z.boolean().optional().catch(undefined),
});
export type ClientEntry = z.infer<typeof entrySchema>;

/** A client's file as it was read: its text, what it says, and its servers by name. */
export type ClientFile = {
  source: string;
  whole: Record<string, unknown>;
  servers: ReadonlyMap<string, ClientEntry>;
};

/** Reads a client's file. Refuses with the line that is wrong, or the entry. */
export function readClientFile(client: McpClient, contents: string): ClientFile {
  const errors: ParseError[] = [];
  const whole: unknown = parse(contents, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error !== undefined) {
    const line = contents.slice(0, error.offset).split("\n").length;
    const said = printParseErrorCode(error.error);
    throw invalidPayload([
      fieldError(`contents:${line}`, `is no JSON here: ${said}`, `não é JSON aqui: ${said}`),
    ]);
  }
  const { servers: member } = forms[client];
  const found = z
    .looseObject({ [member]: z.record(z.string().min(1).max(200), z.unknown()) })
    .safeParse(whole);
  if (!found.success) {
    throw invalidPayload([
      fieldError(
        "contents",
        `has no object ${member}, where ${client} keeps its servers`,
        `não tem o objeto ${member}, onde ${client} guarda seus servidores`,
      ),
    ]);
  }
  const entries = Object.entries(found.data[member] as Record<string, unknown>);
  const parsed = entries.map(([name, entry]) => [name, entrySchema.safeParse(entry)] as const);
  const wrong = parsed.flatMap(([name, { error: issue }]) =>
    issue === undefined
      ? []
      : [
          fieldError(
            `contents.${member}.${name}`,
            issue.issues[0]?.message ?? "",
            issue.issues[0]?.message ?? "",
          ),
        ],
  );
  if (wrong.length > 0) throw invalidPayload(wrong);
  const servers = new Map(
    parsed.flatMap(([name, { data }]) => (data === undefined ? [] : [[name, data] as const])),
  );
  return { source: contents, whole: whole as Record<string, unknown>, servers };
}

type Kept = { file: Omit<ClientFile, "servers">; moved: ReadonlySet<string> };
const nothingKept: Kept = { file: { source: "{}", whole: {} }, moved: new Set() };

/**
 * A client's file that points to the gateway. A file that is there already loses the servers `moved` and keeps
 * everything else, with its comments.
 */
export function writeClientFile(
  client: McpClient,
  gateway: { name: string; url: string },
  kept: Kept | null = null,
) {
  const form = forms[client];
  const { file, moved } = kept ?? nothingKept;
  const inputs = form.beside === undefined ? null : withTokenInput(file.whole);
  const entry = form.entry(gateway.url);
  const rest = Object.entries((file.whole[form.servers] ?? {}) as Record<string, unknown>);
  const servers = Object.fromEntries(rest.filter(([name]) => !moved.has(name)));
  const whole = {
    ...file.whole,
    ...(inputs === null ? {} : { inputs }),
    [form.servers]: { ...servers, [gateway.name]: entry },
  };
  let source = file.source;
  for (const name of moved) source = removeMember(source, [form.servers, name]);
  if (inputs !== null) source = setMember(source, ["inputs"], inputs);
  source = setMember(source, [form.servers, gateway.name], entry);
  const isSame = isDeepStrictEqual(parse(source, [], { allowTrailingComma: true }), whole);
  // A file whose members stand there twice, for one, says something else than it seems to.
  const contents = kept !== null && isSame ? source : `${JSON.stringify(whole, null, 2)}\n`;
  return { client, path: form.path, contents, notes: form.notes };
}

function withTokenInput(whole: Record<string, unknown>): unknown[] {
  const before = Array.isArray(whole.inputs) ? (whole.inputs as { id?: unknown }[]) : [];
  return [...before.filter(({ id }) => id !== tokenInput.id), tokenInput];
}
