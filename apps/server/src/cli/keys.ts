import { type Client, type Key, type Rotation } from "@ciclo/contract";
import { connect, stepLine, valueFromInput } from "./client.ts";
import { type Command, command, type Io, numberOption, option, UsageError } from "./command.ts";

/** `provider/NAME`, or the reference with `secret:` before it. */
function keyOf(text: string): { provider: string; name: string } {
  const [, provider, name] = /^(?:secret:)?([a-z0-9][a-z0-9-]*)\/([A-Za-z0-9_.-]+)$/.exec(text) ?? [];
  if (provider === undefined || name === undefined) throw new UsageError(`${text}: takes provider/NAME`);
  return { provider, name };
}

const colours = {
  active: "green",
  rotating: "yellow",
  expiring: "yellow",
  expired: "red",
  revoked: "dim",
} as const;

function keyLine(key: Key, io: Io): string {
  const users = [
    ...key.used_by,
    ...key.used_by_models.map((id) => `models of ${id}`),
    ...key.used_by_webhooks.map((id) => `webhook ${id}`),
  ];
  return [
    key.reference.padEnd(36),
    io.paint(colours[key.state], key.state.padEnd(9)),
    (key.version === null ? "" : `v${key.version}`).padEnd(4),
    key.expires_at === null ? "" : `until ${key.expires_at.slice(0, 10)}`,
    users.length === 0 ? "unused" : `used by ${users.join(", ")}`,
  ].join("  ");
}

const pollMs = 300;

/** Waits for a rotation's end. */
async function ended(client: Client, rotation: Rotation): Promise<Rotation> {
  let now = rotation;
  while (now.status === "running") {
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    now = await client.call("getRotation", { params: { id: rotation.id } });
  }
  if (now.status === "rejected") process.exitCode = 1;
  return now;
}

const showRotation = ({ status, detail, servers }: Rotation, io: Io): string[] => [
  ...servers.flatMap(({ server, steps }) => [server, ...steps.map((step) => `  ${stepLine(step, io)}`)]),
  `${io.paint(status === "promoted" ? "green" : "red", status)}  ${detail}`,
];

export const keyCommands: Command[] = [
  command({
    name: "keys",
    usage: "ciclo keys",
    summary: "Keys with their state, end and users. Values are never shown.",
    examples: ["ciclo keys", "ciclo keys --json"],
    takes: { min: 0, max: 0 },
    run: async () => (await connect().call("listKeys")).items,
    show: (keys, io) =>
      keys.length === 0 ? ["No keys yet: ciclo keys add provider/NAME"] : keys.map((key) => keyLine(key, io)),
  }),
  command({
    name: "keys add",
    usage: "ciclo keys add PROVIDER/NAME [--expires-at TIME] < value",
    summary:
      "Store a key; its value comes on standard input. Configuration refers to it as secret:PROVIDER/NAME.",
    examples: ['printf %s "$HUB_TOKEN" | ciclo keys add hub/TOKEN'],
    options: { "expires-at": { type: "string" } },
    takes: { min: 1, max: 1 },
    async run({ positionals: [text = ""], values, io }) {
      const key = keyOf(text);
      const value = await valueFromInput(io, "the value");
      const expires = option(values, "expires-at");
      const body = { ...key, value, ...(expires === undefined ? {} : { expires_at: expires }) };
      return connect().call("addKey", { body });
    },
    show: (key, io) => [keyLine(key, io)],
  }),
  command({
    name: "keys rotate",
    usage: "ciclo keys rotate PROVIDER/NAME [--expires-at TIME] [--force] [--reason R] < value",
    summary:
      "Try a new value with every server that takes it, then use it; else keep the old one. --force uses it untried, for a provider that is dead.",
    examples: ['printf %s "$NEW_TOKEN" | ciclo keys rotate hub/TOKEN'],
    options: { "expires-at": { type: "string" }, force: { type: "boolean" }, reason: { type: "string" } },
    takes: { min: 1, max: 1 },
    async run({ positionals: [text = ""], values, io }) {
      const params = keyOf(text);
      const value = await valueFromInput(io, "the new value");
      const [expires, reason] = [option(values, "expires-at"), option(values, "reason")];
      const client = connect();
      const body = {
        value,
        force: values.force === true,
        ...(expires === undefined ? {} : { expires_at: expires }),
        ...(reason === undefined ? {} : { reason }),
      };
      return ended(client, await client.call("rotateKey", { params, body }));
    },
    show: showRotation,
  }),
  command({
    name: "keys renewal",
    usage: "ciclo keys renewal PROVIDER/NAME (--gitlab [--url U] [--days-before N] [--valid-days N] | --off)",
    summary: "Have a key renewed automatically before it ends, through its issuer's API; or no longer.",
    examples: [
      "ciclo keys renewal gitlab/TOKEN --gitlab --url https://gitlab.example.com",
      "ciclo keys renewal gitlab/TOKEN --off",
    ],
    options: {
      gitlab: { type: "boolean" },
      off: { type: "boolean" },
      url: { type: "string" },
      "days-before": { type: "string" },
      "valid-days": { type: "string" },
    },
    takes: { min: 1, max: 1 },
    run({ positionals: [text = ""], values }) {
      if ((values.gitlab === true) === (values.off === true)) throw new UsageError("give --gitlab or --off");
      const url = option(values, "url");
      const [before, valid] = [numberOption(values, "days-before"), numberOption(values, "valid-days")];
      const renewal = {
        provider: "gitlab" as const,
        ...(url === undefined ? {} : { url }),
        ...(before === undefined ? {} : { renew_days_before: before }),
        ...(valid === undefined ? {} : { valid_days: valid }),
      };
      return connect().call("setKeyRenewal", {
        params: keyOf(text),
        body: { renewal: values.off === true ? null : renewal },
      });
    },
    show: (key, io) => [
      keyLine(key, io),
      key.renewal === null
        ? "not renewed automatically"
        : `renewed by ${key.renewal.provider} at ${key.renewal.url}`,
    ],
  }),
  command({
    name: "keys renew",
    usage: "ciclo keys renew PROVIDER/NAME",
    summary: "Have a key's issuer renew it now.",
    examples: ["ciclo keys renew gitlab/TOKEN"],
    takes: { min: 1, max: 1 },
    async run({ positionals: [text = ""] }) {
      const client = connect();
      return ended(client, await client.call("renewKey", { params: keyOf(text) }));
    },
    show: showRotation,
  }),
  command({
    name: "keys revoke",
    usage: "ciclo keys revoke PROVIDER/NAME",
    summary: "Wipe a key. Servers that take it are quarantined until it is added again.",
    examples: ["ciclo keys revoke hub/TOKEN"],
    takes: { min: 1, max: 1 },
    run: ({ positionals: [text = ""] }) => connect().call("revokeKey", { params: keyOf(text) }),
    show: (key, io) => [keyLine(key, io)],
  }),
];
