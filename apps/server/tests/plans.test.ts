import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { splitPatch } from "../src/features/plans/assemble.ts";
import {
  decideWith,
  type Person,
  planWith,
  problemOf,
  startConsole,
  submitWith,
  type TestConsole,
} from "./support/console.ts";
import { git } from "./support/git.ts";
import { temporaryFolder } from "./support/temporary.ts";

let running: TestConsole;
let author: Person;
let folder: string;
beforeAll(async () => {
  running = await startConsole();
  author = await running.person("planner", "approver");
  folder = await temporaryFolder();
});

/** The tree that `git apply` makes of a patch on a commit, as a person would do it. */
function appliedByHand(base: string, patch: string): string {
  const file = join(folder, "by-hand.patch");
  writeFileSync(file, patch);
  const env = { ...process.env, GIT_DIR: running.git, GIT_INDEX_FILE: join(folder, "index") };
  const run = (...args: string[]): string => execFileSync("git", args, { env, encoding: "utf8" }).trim();
  run("read-tree", base);
  run("apply", "--cached", file);
  return run("write-tree");
}

/** Files of a tree, in one call of git: to start it takes longer than what it does. */
function contentsOf(tree: string, paths: readonly string[]): string[] {
  const input = paths.map((path) => `${tree}:${path}\n`).join("");
  let rest = execFileSync("git", ["--git-dir", running.git, "cat-file", "--batch"], { input });
  return paths.map(() => {
    const head = rest.subarray(0, rest.indexOf(10)).toString();
    const size = Number(/ blob (\d+)$/.exec(head)?.[1]);
    const contents = rest.subarray(head.length + 1, head.length + 1 + size).toString("utf8");
    rest = rest.subarray(head.length + 1 + size + 1);
    return contents;
  });
}

const line = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
  .filter((text) => /^[^\r\n\0\uD800-\uDFFF]*\S[^\r\n\0\uD800-\uDFFF]*$/.test(text));
const slug = fc.stringMatching(/^[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,6})?$/);
const requests = fc.oneof(
  fc.record({
    intent: fc.constant("add_agent"),
    payload: fc.record(
      {
        agent_name: slug,
        title: line,
        description: fc.string({ unit: "grapheme", maxLength: 200 }),
        capabilities: fc.array(line, { maxLength: 4 }),
        endpoint: fc.constant("https://a.example/mcp"),
      },
      { requiredKeys: ["agent_name"] },
    ),
  }),
  fc.record({
    intent: fc.constant("edit_policies"),
    payload: fc.record({
      policy_id: fc.constantFrom("spend-guard", "budget"),
      changes: fc.record({
        title: line,
        description: fc.string({ unit: "grapheme", maxLength: 100 }),
        limits: fc.record({ monthly_usd: fc.integer({ min: 1000, max: 1e6 }) }),
      }),
    }),
  }),
  fc.record({
    intent: fc.constant("generate_artifact"),
    payload: fc.record({
      artifact_type: fc.constantFrom("adr", "runbook", "finops.checklist"),
      target_path: slug.map((name) => `docs/${name}/Ação de ${name}.md`),
      parameters: fc.record({ title: line, context: fc.string({ unit: "grapheme", maxLength: 300 }) }),
    }),
  }),
);

/** So many changes, each with a dozen gits, may take on a machine that runs other tests beside. */
const wholeChangesMs = 180_000;

describe("a plan", () => {
  it(
    "carries one patch that git applies to the base and that yields exactly its files",
    async () => {
      await fc.assert(
        fc.asyncProperty(requests, async ({ intent, payload }) => {
          const { plan, patch, diffs } = await planWith(author, intent, payload);
          const tree = appliedByHand(plan.base_commit, patch);
          const actions = plan.steps.flatMap((step) => step.actions);
          const files = contentsOf(
            tree,
            actions.map(({ path }) => path),
          );
          for (const [index, action] of actions.entries())
            expect(action).toEqual({ type: "write_file", path: action.path, contents: files[index] });
          expect(diffs.map(({ path }) => path).toSorted()).toEqual(
            actions.map(({ path }) => path).toSorted(),
          );
          expect(plan.patch_sha256).toBe(createHash("sha256").update(patch).digest("hex"));
          const submitted = await submitWith(author, { plan, patch });
          const { commit_sha } = submitted;
          expect(git(running.git, "rev-parse", `${commit_sha}^{tree}`, `${commit_sha}^`)).toBe(
            `${tree}\n${plan.base_commit}`,
          );
          await decideWith(author, submitted.approval_id, "reject");
        }),
        { numRuns: 25 },
      );
    },
    wholeChangesMs,
  );

  it("is the same for the same request on the same commit, and in the caller's language", async () => {
    const payload = { policy_id: "cost", changes: { defaults: { timeout_s: 30 } } };
    const [one, two] = [
      await planWith(author, "edit_policies", payload),
      await planWith(author, "edit_policies", payload),
    ];
    expect(two).toEqual(one);
    const client = running.clientOf(author.token, "pt-BR");
    const portuguese = await client.call("plan", { body: { intent: "edit_policies", payload } });
    expect(portuguese.plan.summary).toBe("Alterar a política cost: defaults.timeout_s → 30");
    expect(portuguese.patch).toBe(one.patch);
  });

  it("keeps paths with quotes and other scripts", () => {
    const patch =
      'diff --git "a/docs/A\\303\\247\\303\\243o \\"x\\".md" "b/docs/A\\303\\247\\303\\243o \\"x\\".md"\nnew file mode 100644\n--- /dev/null\n+++ "b/docs/x"\n@@ -0,0 +1 @@\n+x\n';
    expect(splitPatch(patch)).toMatchObject([{ path: 'docs/Ação "x".md', change_type: "create" }]);
  });
});

describe("an agent with a server", () => {
  it("takes its registration with it, and can be added again", async () => {
    const apply = async (intent: string, payload: Record<string, unknown>) => {
      const submitted = await submitWith(author, await planWith(author, intent, payload));
      await decideWith(author, submitted.approval_id, "approve");
    };
    const registry = (): string => git(running.git, "show", "main:mcp-registry.yaml");
    const before = registry();
    const payload = {
      agent_name: "beta",
      endpoint: "https://beta.example/mcp",
      auth: { Authorization: "secret:vault/BETA" },
    };
    await apply("add_agent", payload);
    expect(registry()).toContain("secret:vault/BETA");
    await apply("remove_agent", { agent_name: "beta" });
    expect(registry()).toBe(before);
    await apply("add_agent", payload);
    await apply("remove_agent", { agent_name: "beta" });
  });
});

describe("two changes of different files", () => {
  it("are not merged where one takes away what the other needs", async () => {
    const add = { agent_name: "theta", endpoint: "https://theta.example/mcp" };
    const added = await submitWith(author, await planWith(author, "add_agent", add));
    await decideWith(author, added.approval_id, "approve");
    const parameters = { title: "Iota", version: "1.0.0", server: "theta" };
    const manifest = { artifact_type: "agent.manifest", target_path: "agents/iota/agent.yaml", parameters };
    const [uses, removes] = [
      await submitWith(author, await planWith(author, "generate_artifact", manifest)),
      await submitWith(author, await planWith(author, "remove_agent", { agent_name: "theta" })),
    ];
    await decideWith(author, uses.approval_id, "approve");
    const stale = await decideWith(author, removes.approval_id, "approve");
    expect(stale).toMatchObject({ status: "failed", outcome: "stale" });
    expect(git(running.git, "show", "main:mcp-registry.yaml")).toContain("theta");
  });
});

describe("taking back in an odd order", () => {
  it("is refused where it would leave an agent without its server", async () => {
    const apply = async (intent: string, payload: Record<string, unknown>) => {
      const submitted = await submitWith(author, await planWith(author, intent, payload));
      await decideWith(author, submitted.approval_id, "approve");
      return submitted.plan_id;
    };
    const rollBack = (plan_id: string) => author.client.call("rollback", { body: { plan_id } });
    const added = await apply("add_agent", { agent_name: "gamma", endpoint: "https://gamma.example/mcp" });
    const manifest = { title: "Gamma", version: "1.0.0", server: "gamma" };
    const second = await apply("generate_artifact", {
      artifact_type: "agent.manifest",
      target_path: "agents/delta/agent.yaml",
      parameters: manifest,
    });
    expect(await problemOf(rollBack(added))).toMatchObject({ status: 409, code: "revert_conflict" });
    await rollBack(second);
    expect(await rollBack(added)).toMatchObject({ outcome: "rolled_back" });
  });
});

describe("risks follow from what a plan does", () => {
  it("are bounded, so that a plan with very many can be read and submitted", async () => {
    const rules = Array.from({ length: 900 }, (_, index) => ({
      roles: ["viewer"],
      servers: [`server-${index}`],
      tools: ["*"],
      effect: "allow",
    }));
    const planned = await planWith(author, "edit_policies", { policy_id: "access", changes: { rules } });
    expect(planned.plan.risks).toHaveLength(151);
    expect(planned.plan.risks.at(-1)?.title).toMatch(/^\d+ further risks like these$/);
    expect(await submitWith(author, planned, { mode: "dry_run" })).toMatchObject({ mode: "dry_run" });
  });

  const risksOf = async (intent: string, payload: Record<string, unknown>): Promise<string[]> =>
    (await planWith(author, intent, payload)).plan.risks.map(({ impact, title }) => `${impact}: ${title}`);

  it.each<[string, string, Record<string, unknown>, string[]]>([
    [
      "a limit that rises",
      "edit_policies",
      { policy_id: "spend-guard", changes: { limits: { monthly_usd: 2000 } } },
      [
        "high: spend-guard: limits.monthly_usd rises 10× (200 → 2000)",
        "low: Policy spend-guard applies to 1 agent: assistant",
      ],
    ],
    [
      "a limit that falls",
      "edit_policies",
      { policy_id: "spend-guard", changes: { limits: { monthly_usd: 90 } } },
      [
        "medium: spend-guard: limits.monthly_usd falls (200 → 90)",
        "low: Policy spend-guard applies to 1 agent: assistant",
      ],
    ],
    [
      "weaker approvals",
      "edit_policies",
      {
        policy_id: "approvals",
        changes: { default: { self_approval: "always" }, direct: { paths: ["docs/**"] } },
      },
      [
        "high: Weaker approval of every file: 1 vote of approver (self_approval: only_approver) → 1 vote of approver (self_approval: always)",
        "high: May change without approval: docs/**",
      ],
    ],
    [
      "an allowed command",
      "edit_policies",
      { policy_id: "commands", changes: { allow: [{ command: process.execPath, args: ["-y", "x"] }] } },
      [`high: Runs on the console's host: ${process.execPath} -y x`],
    ],
    [
      "a wider network",
      "edit_policies",
      { policy_id: "network", changes: { allow_private: true, require_tls: false } },
      ["high: Allows more: private addresses", "high: Allows more: connections without TLS"],
    ],
    [
      "an endpoint that nobody looked at",
      "add_agent",
      { agent_name: "remote", endpoint: "http://mcp.example/x" },
      [
        "high: Server remote is reached without TLS: http://mcp.example/x",
        "high: policies/network.yaml, require_tls: does not allow connections without TLS",
        "medium: Tool list of remote unknown: its endpoint was not validated",
        "medium: remote has no budget of its own",
      ],
    ],
    [
      "a command",
      "add_agent",
      { agent_name: "local", command: "no-such-program", args: ["-y", "server"] },
      [
        "high: Runs on the console's host: no-such-program -y server (no program no-such-program on its PATH now)",
        "high: policies/commands.yaml, allow: does not list the command no-such-program -y server. Plan a change of that policy to allow it",
        "medium: All callers share one session of local: what one leaves there, others may see",
        "medium: Tool list of local unknown: its endpoint was not validated",
        "medium: local has no budget of its own",
      ],
    ],
    [
      "a removal",
      "remove_agent",
      { agent_name: "assistant" },
      [
        "high: policies/spend-guard.yaml no longer holds any call back (was daily_usd 20, monthly_usd 200)",
        "high: Nobody offers what assistant did: chat, planning",
      ],
    ],
    ["a new document", "generate_artifact", { artifact_type: "adr", target_path: "docs/adr/0001-x.md" }, []],
    [
      "a document written over",
      "generate_artifact",
      { artifact_type: "agent.readme", target_path: "agents/assistant/README.md" },
      ["medium: Replaces the whole of agents/assistant/README.md"],
    ],
  ])("%s", async (_, intent, payload, risks) => {
    expect(await risksOf(intent, payload)).toEqual(risks);
  });
});
