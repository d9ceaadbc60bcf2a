import { type AccessKind, accessKinds, type PolicyOf, type Role, roles, text } from "@ciclo/contract";
import type { DraftRisk } from "./risks.ts";
import type { Host } from "./server-risks.ts";

/** What a change of the access policy comes to: rules are held against each other by what they decide, in their order. */

type Access = PolicyOf<"access">;
type Rule = Access["rules"][number];
/** One use of something by somebody, of which both policies are asked. */
type Probe = { role: Role; server: string; kind: AccessKind; name: string };

/** Asking a policy of ten thousand rules takes milliseconds: so many rules are looked at in all. */
const maxRulesAsked = 200_000;
const maxPool = 40;

/** `viewer → hub: delete*`. */
export function wordsOfRule(rule: Rule): string {
  const { tools, resources, prompts, models, methods } = rule;
  const others = Object.entries({ resources, prompts, models, methods }).flatMap(([word, names]) =>
    names.length === 0 ? [] : [`${word} ${names.join(", ")}`],
  );
  const words = [...(tools.length === 0 ? [] : [tools.join(", ")]), ...others].join("; ");
  return `${rule.roles.join(", ")} → ${rule.servers.join(", ")}: ${words}`;
}

/** What becomes allowed, what is no longer denied, and what is no longer recorded. Pure. */
export function accessRisks(old: Access | null, next: Access, host: Host): DraftRisk[] {
  const compared = new Comparison(old, next, host);
  const added = next.rules.filter((rule) => rule.effect === "allow" && !compared.isIn(old, rule));
  const before = (effect: Rule["effect"]): Rule[] =>
    (old?.rules ?? []).filter((rule) => rule.effect === effect);
  return [
    ...added
      // One that could not be compared is taken to allow more.
      .filter((rule) => compared.some(rule, "opened") || compared.isCutShort)
      .map((rule) => risk(`Allows more: ${wordsOfRule(rule)}`, `Permite mais: ${wordsOfRule(rule)}`)),
    ...before("deny")
      .filter((rule) => compared.some(rule, "opened"))
      .map((rule) =>
        risk(`No longer denied: ${wordsOfRule(rule)}`, `Deixa de ser negado: ${wordsOfRule(rule)}`),
      ),
    ...before("allow")
      .filter((rule) => rule.audit === true && compared.some(rule, "unrecorded"))
      .map((rule) =>
        risk(`No longer recorded: ${wordsOfRule(rule)}`, `Deixa de ser registrado: ${wordsOfRule(rule)}`),
      ),
    ...(compared.isCutShort
      ? [
          risk(
            "Too many rules to say all that changes: read the diff rule by rule",
            "Regras demais para dizer tudo o que muda: leia o diff regra por regra",
          ),
        ]
      : []),
    ...(next.unapproved_text === "pass" && old?.unapproved_text !== "pass"
      ? [
          risk(
            "Allows more: instructions and descriptions that nobody approved reach models",
            "Permite mais: instruções e descrições que ninguém aprovou chegam aos modelos",
          ),
        ]
      : []),
    ...(next.new_tools === "allow" && old?.new_tools !== "allow"
      ? [risk("Allows more: tools that nobody approved", "Permite mais: ferramentas que ninguém aprovou")]
      : []),
    ...(next.default === "allow" && old?.default !== "allow"
      ? [
          risk(
            "Allows more: every tool that no rule denies",
            "Permite mais: toda ferramenta que nenhuma regra nega",
          ),
        ]
      : []),
  ];
}

/** Asks both policies of what their rules name, and remembers what they say. */
class Comparison {
  readonly #old: Access | null;
  readonly #next: Access;
  readonly #host: Host;
  readonly #servers: readonly string[];
  readonly #names: Record<AccessKind, readonly string[]>;
  readonly #outcomes = new Map<string, "opened" | "unrecorded" | "same">();
  #left: number;

  constructor(old: Access | null, next: Access, host: Host) {
    this.#old = old;
    this.#next = next;
    this.#host = host;
    this.#left = Math.ceil(maxRulesAsked / (1 + (old?.rules.length ?? 0) + next.rules.length));
    // Those that differ come first; where there are too many, the others are not tried one by one.
    const differing = [
      ...next.rules.filter((rule) => !this.isIn(old, rule)),
      ...(old?.rules ?? []).filter((rule) => !this.isIn(next, rule)),
    ];
    const all = [...differing, ...(old?.rules ?? []), ...next.rules].slice(0, 1000);
    this.#servers = pool(all.flatMap(({ servers }) => servers));
    const named = (kind: AccessKind): string[] => pool(all.flatMap((rule) => rule[kind]));
    this.#names = {
      tools: named("tools"),
      resources: named("resources"),
      prompts: named("prompts"),
      models: named("models"),
      methods: named("methods"),
    };
  }

  isIn(policy: Access | null, rule: Rule): boolean {
    const said = JSON.stringify(rule);
    return policy?.rules.some((each) => JSON.stringify(each) === said) ?? false;
  }

  /** Whether something that a rule is about is decided so otherwise than before. */
  some(rule: Rule, outcome: "opened" | "unrecorded"): boolean {
    for (const role of roles.filter((each) => rule.roles.includes(each)))
      for (const server of this.#meant(rule.servers, this.#servers))
        for (const kind of accessKinds)
          for (const name of this.#meant(rule[kind], this.#names[kind]))
            if (this.#outcome({ role, server, kind, name }) === outcome) return true;
    return false;
  }

  /** Whether there were too many rules and names to ask of each. */
  get isCutShort(): boolean {
    return this.#left <= 0;
  }

  /** What a rule names itself, and what others name that it means as well. */
  #meant(patterns: readonly string[], known: readonly string[]): ReadonlySet<string> {
    const named = patterns.map((pattern) => pattern.replaceAll("*", "any"));
    return new Set([...named, ...known.filter((name) => this.#host.matchesName(name, patterns))]);
  }

  #outcome(probe: Probe): "opened" | "unrecorded" | "same" {
    const key = JSON.stringify(probe);
    const found = this.#outcomes.get(key);
    if (found !== undefined) return found;
    if (this.#left <= 0) return "same";
    this.#left -= 1;
    const { role, server, kind, name } = probe;
    const before = this.#host.accessVerdict(this.#old, [role], server, kind, name);
    const after = this.#host.accessVerdict(this.#next, [role], server, kind, name);
    const isOpened = after.allowed && !before.allowed;
    const isUnrecorded = after.allowed && before.allowed && before.audit && !after.audit;
    const outcome = isOpened ? "opened" : isUnrecorded ? "unrecorded" : "same";
    this.#outcomes.set(key, outcome);
    return outcome;
  }
}

/** Names that patterns may mean: themselves, and one that only `*` means. */
const pool = (patterns: readonly string[]): string[] =>
  [...new Set([...patterns.map((pattern) => pattern.replaceAll("*", "any")), "any"])].slice(0, maxPool);

const risk = (en: string, ptBR: string): DraftRisk => ({
  title: text(en, ptBR),
  impact: "high",
  mitigation: text(
    "Allow only what a named server needs, and leave on record who uses what.",
    "Permita apenas o que um servidor nomeado precisa, e deixe registrado quem usa o quê.",
  ),
});
