import type { JudgedTool, ListedTool, OfferedTool } from "../../domain/servers.ts";
import type { PolicyOf } from "@ciclo/contract";
import { canonicalJson } from "../../lib/crypto.ts";
import { coreOf, inspectTool, judgeTools, type LockedTools } from "./tools.ts";

/** What a server's tools are judged by. */
export type ToolRules = { lock: LockedTools; newTools: PolicyOf<"access">["new_tools"] };

/** The tools that a server offered at the latest look, each held against the lock. */
export class ToolShelf {
  tools: readonly JudgedTool[] = [];
  #rules: ToolRules;
  readonly #changed: () => void;
  #offered: readonly OfferedTool[] = [];
  #byName = new Map<string, JudgedTool>();

  /** `changed` is called when they are not as before. */
  constructor(rules: ToolRules, changed: () => void) {
    this.#rules = rules;
    this.#changed = changed;
  }

  /** A tool by name, as it was judged. */
  get(name: string): JudgedTool | undefined {
    return this.#byName.get(name);
  }

  /**
   * A listed tool as far as it was approved; null where it may not be offered; undefined where this definition was not there
   * at the latest look.
   */
  shown(listed: ListedTool): ListedTool | null | undefined {
    const judged = this.#byName.get(listed.name);
    if (judged?.offered == null || inspectTool(listed).hash !== judged.offered.hash) return undefined;
    if (judged.reason !== null) return null;
    return judged.isPartial ? coreOf(listed) : listed;
  }

  /** Takes other rules. Says whether they are other ones. */
  judgeBy(rules: ToolRules): boolean {
    if (canonicalJson(rules) === canonicalJson(this.#rules)) return false;
    this.#rules = rules;
    return true;
  }

  /** Judges what a server offers now; what it offered at the latest look when left out. */
  judge(offered = this.#offered): void {
    const before = fingerprint(this.tools);
    this.#offered = offered;
    this.tools = judgeTools(offered, this.#rules.lock, this.#rules.newTools);
    this.#byName = new Map(this.tools.map((tool) => [tool.name, tool]));
    if (fingerprint(this.tools) !== before) this.#changed();
  }
}

const fingerprint = (tools: readonly JudgedTool[]): string =>
  tools
    .map(({ name, state, offered, reason }) => `${name} ${state} ${reason === null} ${offered?.hash ?? ""}`)
    .join("\n");
