import {
  type NewUser,
  newUserSchema,
  type ProvisionedUser,
  type Role,
  roleSchema,
  roles,
  type User,
} from "@ciclo/contract";
import { invalidPayload } from "../errors.ts";
import { hashToken } from "../lib/crypto.ts";
import { fieldErrors } from "../lib/validation.ts";
import { type Command, command, type Invocation, option, repeated, required, UsageError } from "./command.ts";
import { withLocal } from "./local.ts";

const line = (user: User): string =>
  [
    user.email.padEnd(32),
    (user.roles.join(", ") || "no roles").padEnd(36),
    user.disabled_at === null ? (user.has_token ? "token" : "no token") : "disabled",
    user.name,
  ].join("  ");

const showUser = (user: User): string[] => [line(user)];
const showToken = (user: ProvisionedUser): string[] => [line(user), `Token, shown this once: ${user.token}`];

function roleOf(text: string | undefined): Role {
  const role = roleSchema.safeParse(text);
  if (role.success) return role.data;
  throw new UsageError(`${text} is no role; there are: ${roles.join(", ")}`);
}

async function tokenFromInput({ values, io }: Invocation): Promise<{ token?: string }> {
  return values["token-stdin"] === true ? { token: (await io.readInput()).trim() } : {};
}

function checked(user: NewUser): NewUser {
  const parsed = newUserSchema.safeParse(user);
  if (!parsed.success) throw invalidPayload(fieldErrors(parsed.error));
  return user;
}

const expires = { "expires-at": { type: "string" } } as const;

export const userCommands: Command[] = [
  command({
    name: "user add",
    usage: "ciclo user add --name N --email E [--role R]… [--token-stdin] [--expires-at TIME]",
    summary: "Create a user. The token is shown this once.",
    examples: [
      'ciclo user add --name "Ana Souza" --email ana@example.com --role viewer --role planner',
      "openssl rand -hex 32 | ciclo user add --name Bot --email bot@example.com --role viewer --token-stdin",
    ],
    options: {
      name: { type: "string" },
      email: { type: "string" },
      role: { type: "string", multiple: true },
      "token-stdin": { type: "boolean" },
      ...expires,
    },
    takes: { min: 0, max: 0 },
    async run(invocation) {
      const { values } = invocation;
      const expiresAt = option(values, "expires-at");
      const user = checked({
        name: required(values, "name"),
        email: required(values, "email"),
        roles: repeated(values, "role").map(roleOf),
        ...(await tokenFromInput(invocation)),
        ...(expiresAt === undefined ? {} : { token_expires_at: expiresAt }),
      });
      const {
        id,
        name,
        email,
        roles: held,
        token,
      } = await withLocal(({ users }, actor) => users.add(actor, user), { mayBeFirst: true });
      return { id, name, email, roles: held, token };
    },
    show: (user) => [
      `${user.email}  ${user.roles.join(", ") || "no roles: this user may do nothing yet"}`,
      `Token, shown this once: ${user.token}`,
    ],
  }),
  command({
    name: "user list",
    usage: "ciclo user list",
    summary: "Users with their roles.",
    examples: ["ciclo user list", "ciclo user list --json"],
    takes: { min: 0, max: 0 },
    run: () => withLocal(({ users }) => users.list()),
    show: (users) => users.map(line),
  }),
  command({
    name: "user grant",
    usage: "ciclo user grant E ROLE",
    summary: "Give a user a role.",
    examples: ["ciclo user grant ana@example.com approver"],
    takes: { min: 2, max: 2 },
    run: ({ positionals: [email = "", role] }) =>
      withLocal(({ users }, actor) => users.grant(actor, { email }, roleOf(role))),
    show: showUser,
  }),
  command({
    name: "user revoke",
    usage: "ciclo user revoke E ROLE",
    summary: "Take a role away.",
    examples: ["ciclo user revoke ana@example.com approver"],
    takes: { min: 2, max: 2 },
    run: ({ positionals: [email = "", role] }) =>
      withLocal(({ users }, actor) => users.revoke(actor, { email }, roleOf(role))),
    show: showUser,
  }),
  command({
    name: "user disable",
    usage: "ciclo user disable E",
    summary: "Cut a user off at once: token, sessions, links.",
    examples: ["ciclo user disable ana@example.com"],
    takes: { min: 1, max: 1 },
    run: ({ positionals: [email = ""] }) => withLocal(({ users }, actor) => users.disable(actor, { email })),
    show: showUser,
  }),
  command({
    name: "user enable",
    usage: "ciclo user enable E",
    summary: "Let a disabled user in again. They need a new token: ciclo token rotate E",
    examples: ["ciclo user enable ana@example.com"],
    takes: { min: 1, max: 1 },
    run: ({ positionals: [email = ""] }) => withLocal(({ users }, actor) => users.enable(actor, { email })),
    show: showUser,
  }),
  command({
    name: "user link",
    usage: "ciclo user link E",
    summary: "Make a sign-in link for the browser: 15 minutes, one use.",
    examples: ["ciclo user link ana@example.com"],
    takes: { min: 1, max: 1 },
    run: ({ positionals: [email = ""] }) =>
      withLocal(async ({ users, sessions }, actor) => {
        const user = await users.find({ email });
        return { email: user.email, path: `/sign-in#${await sessions.createLink(actor, user)}` };
      }),
    show: ({ path }) => [`Open on the console's address: ${path}`],
  }),
  command({
    name: "token rotate",
    usage: "ciclo token rotate E [--expires-at TIME]",
    summary: "Give a user a new token, shown this once. The old one, open sessions and sign-in links end.",
    examples: [
      "ciclo token rotate ana@example.com",
      "ciclo token rotate ana@example.com --expires-at 2027-01-31T00:00:00Z",
    ],
    options: expires,
    takes: { min: 1, max: 1 },
    run: ({ positionals: [email = ""], values }) =>
      withLocal(({ users }, actor) =>
        users.rotateToken(actor, { email }, { expiresAt: option(values, "expires-at") }),
      ),
    show: showToken,
  }),
  command({
    name: "token revoke",
    usage: "ciclo token revoke E",
    summary: "Take a user's token away.",
    examples: ["ciclo token revoke ana@example.com"],
    takes: { min: 1, max: 1 },
    run: ({ positionals: [email = ""] }) =>
      withLocal(({ users }, actor) => users.revokeToken(actor, { email })),
    show: showUser,
  }),
  command({
    name: "token hash",
    usage: "ciclo token hash < token",
    summary: "The hash that users.api_token_hash holds for a token on standard input.",
    examples: ["openssl rand -hex 32 | ciclo token hash"],
    takes: { min: 0, max: 0 },
    async run({ io }) {
      const token = (await io.readInput()).trim();
      if (token === "") throw new UsageError("give the token on standard input");
      return { hash: hashToken(token) };
    },
    show: ({ hash }) => [hash],
  }),
];
