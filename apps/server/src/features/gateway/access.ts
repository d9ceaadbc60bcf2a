import { type PolicyFile, type PolicyOf, policyOf, type Role } from "@ciclo/contract";

type Access = PolicyOf<"access">;

/** What the access policy says of one call. */
export type Verdict = {
  allowed: boolean;
  /** Whether the call leaves an audit record. */
  audit: boolean;
  /** The rule that decided, counted from 1; 0 is the default. */
  rule: number;
};

/** Decides role → server → tool. The first rule that matches decides; without a policy nothing is allowed. Pure. */
export function decide(policy: Access | null, roles: readonly Role[], server: string, tool: string): Verdict {
  if (policy === null) return { allowed: false, audit: false, rule: 0 };
  const index = policy.rules.findIndex(
    (rule) =>
      rule.roles.some((role) => roles.includes(role)) &&
      matchesAny(server, rule.servers) &&
      matchesAny(tool, rule.tools),
  );
  const rule = policy.rules[index];
  return rule === undefined
    ? { allowed: policy.default === "allow", audit: false, rule: 0 }
    : { allowed: rule.effect === "allow", audit: rule.audit ?? false, rule: index + 1 };
}

/** Whether a caller may use a server at all: some tool of it, whichever those are. Pure. */
export function mayEnter(policy: Access | null, roles: readonly Role[], server: string): boolean {
  if (policy === null) return false;
  const own = policy.rules.filter(
    (rule) => rule.roles.some((role) => roles.includes(role)) && matchesAny(server, rule.servers),
  );
  const shut = own.findIndex((rule) => rule.effect === "deny" && rule.tools.includes("*"));
  const open = own.findIndex((rule) => rule.effect === "allow");
  if (open >= 0 && (shut < 0 || open < shut)) return true;
  return shut < 0 && policy.default === "allow";
}

/** `*` is any run of characters, whichever they are; the rest is itself. */
const matchesAny = (name: string, patterns: readonly string[]): boolean =>
  patterns.some((pattern) => pattern === "*" || pattern === name || formOf(pattern).test(name));

const formOf = (pattern: string): RegExp =>
  new RegExp(`^${pattern.split("*").map(RegExp.escape).join("[^]*")}$`);

const maxKept = 20_000;

/** Verdicts as they were given, until the policies change. */
export class AccessTable {
  #policies: ReadonlyMap<string, PolicyFile> = new Map();
  #policy: Access | null = null;
  readonly #verdicts = new Map<string, Verdict>();
  readonly #entries = new Map<string, boolean>();

  use(policies: ReadonlyMap<string, PolicyFile>): void {
    if (policies === this.#policies) return;
    this.#policies = policies;
    this.#policy = policyOf(policies, "access");
    this.#verdicts.clear();
    this.#entries.clear();
  }

  decide(roles: readonly Role[], server: string, tool: string): Verdict {
    return remember(this.#verdicts, `${roles.join(",")} ${server} ${tool}`, () =>
      decide(this.#policy, roles, server, tool),
    );
  }

  mayEnter(roles: readonly Role[], server: string): boolean {
    return remember(this.#entries, `${roles.join(",")} ${server}`, () =>
      mayEnter(this.#policy, roles, server),
    );
  }
}

function remember<V>(known: Map<string, V>, key: string, make: () => V): V {
  const before = known.get(key);
  if (before !== undefined) return before;
  if (known.size >= maxKept) known.clear();
  const value = make();
  known.set(key, value);
  return value;
}
