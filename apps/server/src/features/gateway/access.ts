import { fold, formsOf, type Kind } from "./methods.ts";
import { accessKinds, type PolicyFile, type PolicyOf, policyOf, type Role } from "@ciclo/contract";

type Access = PolicyOf<"access">;

/** What the access policy says of one call. */
export type Verdict = {
  allowed: boolean;
  /** Whether the call leaves an audit record. */
  audit: boolean;
  /** The rule that decided, counted from 1; 0 is the default. */
  rule: number;
};

type Rule = Access["rules"][number];

/**
 * Decides role → server → tool, resource, prompt or method. The first rule that matches decides; without a policy nothing is
 * allowed. A rule that denies meets other spellings of a name too. Pure.
 */
export function decide(
  policy: Access | null,
  roles: readonly Role[],
  server: string,
  kind: Kind,
  name: string,
): Verdict {
  if (policy === null) return { allowed: false, audit: false, rule: 0 };
  const index = policy.rules.findIndex(
    (rule) => concerns(rule, roles, server) && matchesAny(name, rule[kind], rule.effect === "deny"),
  );
  const rule = policy.rules[index];
  if (rule !== undefined)
    return { allowed: rule.effect === "allow", audit: rule.audit ?? false, rule: index + 1 };
  // What the gateway knows nothing of is let through by a rule that names it, and by nothing else.
  return { allowed: policy.default === "allow" && kind !== "methods", audit: false, rule: 0 };
}

/** The same of something that can be read in several ways: allowed where each of them is. Pure. */
export function decideAll(
  policy: Access | null,
  roles: readonly Role[],
  server: string,
  kind: Kind,
  names: readonly string[],
): Verdict {
  const forms = kind === "resources" ? names.flatMap(formsOf) : names;
  const verdicts = forms.map((form) => decide(policy, roles, server, kind, form));
  const against = verdicts.find(({ allowed }) => !allowed);
  return (
    against ?? verdicts.find(({ audit }) => audit) ?? verdicts[0] ?? { allowed: false, audit: false, rule: 0 }
  );
}

/** Whether a caller may use a server at all: something of it, whatever that is. Pure. */
export function mayEnter(policy: Access | null, roles: readonly Role[], server: string): boolean {
  if (policy === null) return false;
  const own = policy.rules.filter((rule) => concerns(rule, roles, server));
  return kinds.some((kind) => {
    const shut = own.findIndex((rule) => rule.effect === "deny" && rule[kind].includes("*"));
    const open = own.findIndex((rule) => rule.effect === "allow" && rule[kind].length > 0);
    if (open >= 0 && (shut < 0 || open < shut)) return true;
    return shut < 0 && policy.default === "allow" && kind !== "methods";
  });
}

/** Models are no server's: they are reached beside the gateway. */
const kinds = accessKinds.filter((kind) => kind !== "models");

const concerns = ({ roles, servers }: Rule, own: readonly Role[], server: string): boolean =>
  roles.some((role) => own.includes(role)) && matchesAny(server, servers, false);

/** `*` is any run of characters, whichever they are; the rest is itself, or, loosely, any spelling of it. */
const matchesAny = (name: string, patterns: readonly string[], loosely: boolean): boolean =>
  patterns.some(
    (pattern) =>
      pattern === "*" ||
      pattern === name ||
      formOf(pattern).test(name) ||
      (loosely && formOf(fold(pattern)).test(fold(name))),
  );

/** Whether a name is one of those that patterns mean, as they are written. Pure. */
export const matchesName = (name: string, patterns: readonly string[]): boolean =>
  matchesAny(name, patterns, false);

const forms = new Map<string, RegExp>();

function formOf(pattern: string): RegExp {
  return remember(
    forms,
    pattern,
    () => new RegExp(`^${pattern.split("*").map(RegExp.escape).join("[^]*")}$`),
  );
}

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

  decide(roles: readonly Role[], server: string, kind: Kind, names: readonly string[]): Verdict {
    // Several names must not be taken for one that holds what parts them.
    const said = names.length === 1 ? ` ${names[0]}` : JSON.stringify(names);
    return remember(this.#verdicts, `${roles.join(",")} ${server} ${kind}${said}`, () =>
      decideAll(this.#policy, roles, server, kind, names),
    );
  }

  get passesTexts(): boolean {
    return this.#policy?.unapproved_text === "pass";
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
