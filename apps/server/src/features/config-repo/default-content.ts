import { defaultPrices } from "../../domain/default-prices.ts";

/** What a new embedded repository holds: something useful to start from, and to change. */
export const defaultContent: ReadonlyMap<string, string> = new Map([
  [
    "ciclo.yaml",
    `# The configuration of this Ciclo console. What is on the live branch is what runs.
schema_version: 1
name: Ciclo
`,
  ],
  [
    "README.md",
    `# Configuration of the Ciclo console

| path | what |
|---|---|
| \`ciclo.yaml\` | schema version and display name |
| \`mcp-registry.yaml\` | MCP servers |
| \`mcp-tools.lock.json\` | tools as they were approved |
| \`agents/<name>/agent.yaml\` | agents |
| \`policies/<id>.yaml\` | who approves what, budgets, costs, access, network, commands, canary |

Changes go through the console: plan, approval, apply. Secrets never stand here:
a value is a reference, \`secret:<provider>/<NAME>\`.
`,
  ],
  [
    "mcp-registry.yaml",
    `# MCP servers that agents and IDEs reach through the console.
servers: []
`,
  ],
  ["mcp-tools.lock.json", `{\n  "version": 1,\n  "servers": {}\n}\n`],
  [
    "agents/assistant/agent.yaml",
    `name: assistant
title: Assistant
version: "1.0.0"
description: Answers questions about this configuration and proposes changes to it.
capabilities:
  - chat
  - planning
policies:
  - spend-guard
finops:
  cost_center: platform
hitl:
  approval_rules:
    - Changes to policies are decided by a person
`,
  ],
  [
    "agents/assistant/README.md",
    `# Assistant

Answers questions about this configuration and proposes changes to it. It decides nothing:
each change is approved by a person.
`,
  ],
  [
    "policies/approvals.yaml",
    `# Who must approve what. Rules apply to the paths they name; all that match must be met.
id: approvals
kind: approvals
title: Approvals
default:
  required: 1
  roles: [approver]
  # A lone approver may approve their own plan; with a second one, somebody else must.
  self_approval: only_approver
  expires_after: 72h
rules: []
# Paths that mode "direct" may change without an approval.
direct:
  paths: []
`,
  ],
  [
    "policies/spend-guard.yaml",
    `id: spend-guard
kind: budget
title: Spend guard
description: What the agents that name this policy may spend.
limits:
  daily_usd: 20 # resets at midnight UTC
  monthly_usd: 200
alert_at: [0.5, 0.8]
on_exceeded: ask
`,
  ],
  [
    "policies/budget.yaml",
    `id: budget
kind: budget
title: Gateway budget
description: What all calls through the gateway may cost together.
limits:
  monthly_usd: 500
alert_at: [0.8]
on_exceeded: block
`,
  ],
  [
    "policies/cost.yaml",
    `id: cost
kind: cost
title: Cost of one call
defaults:
  max_tokens: 16000
  timeout_s: 60
  max_cost_usd: 0.5
`,
  ],
  ["policies/prices.yaml", defaultPrices],
  [
    "policies/access.yaml",
    `# Role → server → tool, for calls through the gateway. The first rule that matches decides.
id: access
kind: access
title: Tool access
default: deny
rules:
  - roles: [planner, approver, admin]
    servers: ["*"]
    tools: ["*"]
    resources: ["*"]
    prompts: ["*"]
    models: ["*"]
    effect: allow
`,
  ],
  [
    "policies/network.yaml",
    `# Where remote MCP servers may be.
id: network
kind: network
title: Network
allow_hosts: ["*"]
allow_private: false
require_tls: true
`,
  ],
  [
    "policies/commands.yaml",
    `# Programs that stdio MCP servers may be. A command runs on the console's host: keep this short.
id: commands
kind: commands
title: Commands
allow: []
`,
  ],
  [
    "policies/canary.yaml",
    `# Probes after a change that touches a server or an agent.
id: canary
kind: canary
title: Canary
probes: 5
interval_s: 2
max_latency_ms: 2000
max_error_rate: 0.2
`,
  ],
  [
    "policies/retention.yaml",
    `# How long is kept what is no record of a decision. Totals of usage and the audit log are kept for good.
id: retention
kind: retention
title: Retention
usage_events: 400d
idempotency_keys: 7d
unsubmitted_plans: 30d
threads: 400d
tool_definitions: 90d
operations: 90d
cycle_evidence: 400d
cycle_repositories: 90d
`,
  ],
]);
