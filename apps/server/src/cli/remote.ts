import {
  type ApprovalItem,
  artifactTypes,
  type ChangeSummary,
  type Client,
  type Intent,
  intentFields,
  intentPayloads,
  intents,
  type PlanExecutionResult,
  planSchema,
  saysWhy,
  type ToolChange,
} from "@ciclo/contract";
import { z } from "zod";
import { connect, paintPatch, riskLines, showPlan, writePlan } from "./client.ts";
import { type Command, command, type Io, numberOption, option, repeated, UsageError } from "./command.ts";

const planFileSchema = z.object({ plan: planSchema, patch: z.string() });

async function readPlan(io: Io, path: string): Promise<z.infer<typeof planFileSchema>> {
  const contents = await io.readFile(path);
  let parsed: unknown;
  try {
    parsed = JSON.parse(contents);
  } catch (error) {
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : "cannot be read"}`);
  }
  const file = planFileSchema.safeParse(parsed);
  if (!file.success) throw new UsageError(`${path} is no plan: make one with ciclo plan … --out ${path}`);
  return file.data;
}

/** `a.b=1` → `{a: {b: 1}}`. Values are JSON where they parse as such; lists may be comma-separated. */
export function payloadOf(intent: Intent, settings: readonly string[]): Record<string, unknown> {
  const payload: Record<string, unknown> = {};
  for (const setting of settings) {
    const cut = setting.indexOf("=");
    if (cut < 1) throw new UsageError(`--set ${setting}: takes key=value`);
    const keys = setting.slice(0, cut).split(".");
    assign(payload, keys, valueOf(intent, keys, setting.slice(cut + 1)));
  }
  return payload;
}

function assign(target: Record<string, unknown>, keys: string[], value: unknown): void {
  const [key = "", ...rest] = keys;
  if (["__proto__", "constructor", "prototype"].includes(key))
    throw new UsageError(`--set ${key}: no such field`);
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  const inner = (target[key] ??= {});
  assign(inner as Record<string, unknown>, rest, value);
}

function valueOf(intent: Intent, keys: string[], text: string): unknown {
  const shape = intentPayloads[intent].shape as Record<string, z.ZodType>;
  const field = shape[keys[0] ?? ""];
  const inner = field instanceof z.ZodOptional ? (field.unwrap() as z.ZodType) : field;
  if (inner instanceof z.ZodArray && !text.startsWith("[")) return text.split(",").map((item) => item.trim());
  if (inner instanceof z.ZodString || inner instanceof z.ZodEnum) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

export function showResult(result: PlanExecutionResult, io: Io): string[] {
  const colour = {
    completed: "green",
    failed: "red",
    hitl_required: "yellow",
    in_progress: "yellow",
    pending: "dim",
  } as const;
  return [
    `${io.paint(colour[result.status], result.status)}${result.outcome === null ? "" : ` (${result.outcome})`}  ${result.plan_id}`,
    `  ${result.message}`,
    `  branch ${result.branch} on ${result.base_branch}${result.commit_sha === null ? "" : `, commit ${result.commit_sha.slice(0, 12)}`}`,
    ...(result.approval_id === null
      ? []
      : [`  approval ${result.approval_id}: ${result.approvals.given} of ${result.approvals.required}`]),
    ...(result.pull_request === null ? [] : [`  ${result.pull_request.url} (${result.pull_request.state})`]),
  ];
}

/** What a change makes of one tool, with what stands out in its texts. */
function toolLines(change: ToolChange, io: Io): string[] {
  const { texts, places, more_places, suspicions } = change;
  const was = (value: string | null): string[] => (value === null ? [] : [io.paint("red", `    - ${value}`)]);
  const is = (value: string | null): string[] =>
    value === null ? [] : [io.paint("green", `    + ${value}`)];
  return [
    io.paint("bold", `  tool ${change.tool} of ${change.server}: ${change.change}`),
    ...suspicions.map(({ place, kind, said }) =>
      io.paint(
        "red",
        kind === "hidden" ? `    ${place} hides ${said}` : `    ${place} tells models: ${said}`,
      ),
    ),
    ...texts.flatMap(({ field, before, after }) => [`   ${field}`, ...was(before), ...is(after)]),
    ...places.flatMap(({ place, before, after }) => [`   ${place}`, ...was(before), ...is(after)]),
    ...(more_places === 0 ? [] : [`    and ${more_places} more places`]),
    ...(change.is_known ? [] : ["    its definition is not known here: look at the server's page"]),
  ];
}

const changeLine = (change: ChangeSummary): string =>
  [
    change.created_at,
    change.status.padEnd(13),
    (change.outcome ?? "").padEnd(11),
    change.plan_id,
    change.summary,
  ].join("  ");

const approvalLine = (item: ApprovalItem): string =>
  `  ${item.id}  ${item.plan_id}  ${item.blocked_reason ?? ""}`;

/** An approval by its own id, or by that of its plan. */
async function approvalIdOf(client: Client, id: string): Promise<string> {
  const { items } = await client.call("listApprovals", { query: { status: "pending", limit: 200 } });
  const waiting = items.find((item) => item.plan_id === id)?.id;
  if (waiting !== undefined || /^[0-9a-f-]{36}$/.test(id)) return waiting ?? id;
  // Decided already: the server then says so.
  return (await client.call("getChange", { params: { plan_id: id } })).approval_id ?? id;
}

const decision = (verb: "approve" | "reject") =>
  command({
    name: verb,
    usage: `ciclo ${verb} ID ${verb === "reject" ? "--reason R" : "[--reason R]"}`,
    summary: `${verb === "approve" ? "Approve" : "Reject"} a change. ID is the approval's or the plan's.`,
    examples: [
      `ciclo ${verb} add-agent-catalog-7f3k2q --reason "${verb === "approve" ? "as agreed" : "budget first"}"`,
    ],
    options: { reason: { type: "string" } },
    takes: { min: 1, max: 1 },
    async run({ positionals: [id = ""], values }) {
      const client = connect();
      const reason = option(values, "reason");
      if (verb === "reject" && !saysWhy(reason)) throw new UsageError("say why: --reason R");
      return client.call("apply", {
        body: {
          approval_id: await approvalIdOf(client, id),
          approval_decision: verb,
          ...(reason === undefined ? {} : { approval_reason: reason }),
        },
      });
    },
    show: showResult,
  });

function intentNamed(name: string): Intent {
  const intent = intents.find((each) => each === name);
  if (intent === undefined) throw new UsageError(`${name} is no intent; there are: ${intents.join(", ")}`);
  return intent;
}

const intentHelp = intents
  .map((intent) => {
    const { required: needed, optional } = intentFields(intent);
    return `  ${intent}: ${needed.join(", ")}${optional.length === 0 ? "" : ` [${optional.join(", ")}]`}`;
  })
  .join("\n");

export const remoteCommands: Command[] = [
  command({
    name: "chat",
    usage: 'ciclo chat "…" [--thread ID] [--out plan.json]',
    summary: "Say what should change, or ask, in Portuguese or English.",
    examples: [
      'ciclo chat "adicione o agente catalog do repositório agents-hub com as capacidades chat e planning"',
      'ciclo chat "who approves a change to a policy?"',
    ],
    options: { thread: { type: "string" }, out: { type: "string" } },
    takes: { min: 1, max: 1 },
    async run({ positionals: [message = ""], values, io }) {
      const threadId = option(values, "thread");
      const reply = await connect().call("chat", {
        body: { message, ...(threadId === undefined ? {} : { threadId }) },
      });
      if (reply.plan !== null) await writePlan(io, values, { plan: reply.plan, patch: reply.patch });
      return reply;
    },
    show: (reply, io) => [
      reply.reply,
      ...(reply.plan === null || reply.patch === null || reply.preview === null
        ? []
        : ["", ...showPlan({ ...reply, plan: reply.plan, patch: reply.patch, preview: reply.preview }, io)]),
      ...(reply.plan === null
        ? reply.references.map((reference) => io.paint("dim", `  ${reference.path}: ${reference.title}`))
        : []),
      io.paint("dim", `thread ${reply.threadId}`),
    ],
  }),
  command({
    name: "plan",
    usage: "ciclo plan INTENT --set key=value … [--out plan.json]",
    summary: `Make a plan. Its --help lists the intents and their fields.\n${intentHelp}\n  artifact_type is one of: ${artifactTypes.join(", ")}`,
    examples: [
      "ciclo plan add_agent --set agent_name=catalog --set capabilities=chat,planning --out plan.json",
      "ciclo plan edit_policies --set policy_id=spend-guard --set changes.limits.monthly_usd=1000",
    ],
    options: { set: { type: "string", multiple: true }, out: { type: "string" } },
    takes: { min: 1, max: 1 },
    async run({ positionals: [name = ""], values, io }) {
      const intent = intentNamed(name);
      const payload = payloadOf(intent, repeated(values, "set")) as Record<string, never>;
      const planned = await connect().call("plan", { body: { intent, payload } });
      await writePlan(io, values, planned);
      return planned;
    },
    show: showPlan,
  }),
  command({
    name: "apply",
    usage: "ciclo apply plan.json [--dry-run | --direct] [--message M]",
    summary: "Submit a plan for approval, or show what that would do.",
    examples: ["ciclo apply plan.json --dry-run", "ciclo apply plan.json"],
    options: {
      "dry-run": { type: "boolean" },
      direct: { type: "boolean" },
      message: { type: "string" },
    },
    takes: { min: 1, max: 1 },
    async run({ positionals: [path = ""], values, io }) {
      const file = await readPlan(io, path);
      const client = connect();
      const { user } = await client.call("getSession");
      const message = option(values, "message");
      const mode = values["dry-run"] === true ? "dry_run" : values.direct === true ? "direct" : "branch_pr";
      return client.call("apply", {
        body: {
          ...file,
          mode,
          actor: user.name,
          actor_email: user.email,
          ...(message === undefined ? {} : { commit_message: message }),
        },
      });
    },
    show: showResult,
  }),
  decision("approve"),
  decision("reject"),
  command({
    name: "rollback",
    usage: "ciclo rollback --plan-id ID [--branch B] [--reason R]",
    summary: "Take a change back: an unmerged one loses its branch, a merged one gets a revert commit.",
    examples: ['ciclo rollback --plan-id add-agent-catalog-7f3k2q --reason "canary failed"'],
    options: { "plan-id": { type: "string" }, branch: { type: "string" }, reason: { type: "string" } },
    takes: { min: 0, max: 0 },
    run({ values }) {
      const planId = option(values, "plan-id");
      if (planId === undefined) throw new UsageError("--plan-id is required");
      const [branch, reason] = [option(values, "branch"), option(values, "reason")];
      return connect().call("rollback", {
        body: {
          plan_id: planId,
          ...(branch === undefined ? {} : { branch }),
          ...(reason === undefined ? {} : { reason }),
        },
      });
    },
    show: showResult,
  }),
  command({
    name: "changes",
    usage: "ciclo changes [ID] [--limit N]",
    summary:
      "Changes, newest first, with what waits for approval; or one change with its risks, tools, diff and timeline.",
    examples: ["ciclo changes", "ciclo changes add-agent-catalog-7f3k2q --json"],
    options: { limit: { type: "string" } },
    takes: { min: 0, max: 1 },
    async run({ positionals: [id], values }) {
      const limit = numberOption(values, "limit") ?? 20;
      const client = connect();
      if (id !== undefined) return client.call("getChange", { params: { plan_id: id } });
      const { items } = await client.call("listChanges", { query: { limit } });
      const approvals = await client.call("listApprovals", { query: { status: "pending" } });
      return { items, approvals: approvals.items };
    },
    show: (result, io) =>
      "items" in result
        ? [
            ...result.items.map(changeLine),
            ...(result.approvals.length === 0 ? [] : [io.paint("bold", "Waiting for approval")]),
            ...result.approvals.map(approvalLine),
          ]
        : [
            ...showResult(result, io),
            ...riskLines(result.plan, io),
            ...result.plan.approval_rules.map((rule) => `  ${rule}`),
            ...result.tool_changes.flatMap((change) => toolLines(change, io)),
            ...result.plan.diffs.flatMap(({ diff }) => ["", ...paintPatch(diff, io)]),
            "",
            ...result.timeline.map((entry) =>
              io.paint("dim", `  ${entry.at}  ${entry.type}  ${entry.actor}  ${entry.detail}`),
            ),
          ],
  }),
];
