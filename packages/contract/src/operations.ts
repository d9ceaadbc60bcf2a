import type { Permission } from "./permissions.ts";
import { accessOperations } from "./access-operations.ts";
import { cycleOperations } from "./cycle-operations.ts";
import { usageOperations } from "./usage-operations.ts";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** What one HTTP operation is, apart from the shapes of what it takes and gives. */
export type Operation = {
  method: Method;
  /** Below `/api/v1`, with `{name}` parameters. */
  path: string;
  /** Permissions of which one suffices to enter. Where a body decides (`POST /config/apply`), the service asks again. */
  access: "public" | readonly Permission[];
  summary: string;
  tag: string;
  status?: 200 | 201 | 204;
  /** Media type of an answer that is sent as it comes about. */
  stream?: "text/event-stream" | "application/x-ndjson" | "text/csv" | "text/html";
};

/** Every operation. Without schemas, so that a browser can know them without carrying those. */
export const operations = {
  ...accessOperations,
  getChat: {
    method: "GET",
    path: "/config/chat",
    access: ["read"],
    tag: "assistant",
    summary: "Own threads and the supported intents; or one thread's messages",
  },
  chat: {
    method: "POST",
    path: "/config/chat",
    access: ["chat"],
    tag: "assistant",
    summary: "Say what should change, or ask",
  },
  plan: {
    method: "POST",
    path: "/config/plan",
    access: ["plan"],
    tag: "plans",
    summary: "Turn an intent into a plan with a patch",
  },
  apply: {
    method: "POST",
    path: "/config/apply",
    access: ["submit", "decide"],
    tag: "changes",
    summary: "Submit or dry-run a plan, or decide an approval",
  },
  refreshPullRequest: {
    method: "POST",
    path: "/config/apply/status",
    access: ["decide"],
    tag: "changes",
    summary: "Refresh pull request state from the forge",
  },
  rollback: {
    method: "POST",
    path: "/config/rollback",
    access: ["rollback", "submit"],
    tag: "changes",
    summary: "Take a change back",
  },
  listChanges: {
    method: "GET",
    path: "/changes",
    access: ["read"],
    tag: "changes",
    summary: "History, newest first",
  },
  getChange: {
    method: "GET",
    path: "/changes/{plan_id}",
    access: ["read"],
    tag: "changes",
    summary: "One change with its plan and timeline",
  },
  previewRollback: {
    method: "GET",
    path: "/changes/{plan_id}/rollback",
    access: ["read"],
    tag: "changes",
    summary: "What rolling a change back would do now",
  },
  decideCanary: {
    method: "POST",
    path: "/changes/{plan_id}/canary",
    access: ["decide"],
    tag: "changes",
    summary: "Keep a change whose canary waits for a person, or probe again",
  },
  listApprovals: {
    method: "GET",
    path: "/approvals",
    access: ["read"],
    tag: "changes",
    summary: "The inbox",
  },
  ...usageOperations,
  ...cycleOperations,
  listAudit: {
    method: "GET",
    path: "/audit",
    access: ["read"],
    tag: "audit",
    summary: "The audit log, newest first",
  },
  getCheckpoint: {
    method: "GET",
    path: "/audit/checkpoint",
    access: ["read"],
    tag: "audit",
    summary: "The signed head of the audit log",
  },
  verifyAudit: {
    method: "GET",
    path: "/audit/verify",
    access: ["read"],
    tag: "audit",
    summary: "Read the whole log, and say whether its chain and checkpoints hold",
  },
  exportAudit: {
    method: "GET",
    path: "/audit/export",
    access: ["read"],
    tag: "audit",
    summary: "The audit log as JSON lines, oldest first",
    stream: "application/x-ndjson",
  },
  events: {
    method: "GET",
    path: "/events",
    access: ["read"],
    tag: "live",
    summary: "What happens, as server-sent events; Last-Event-ID goes on where a stream broke off",
    stream: "text/event-stream",
  },
  getHealth: {
    method: "GET",
    path: "/health",
    access: ["read"],
    tag: "live",
    summary: "What works and what does not, with what to do",
  },
  getConfiguration: {
    method: "GET",
    path: "/config/live",
    access: ["read"],
    tag: "plans",
    summary: "Agents, servers and policies of the live commit, and the files that do not fit their schema",
  },
  onboard: {
    method: "POST",
    path: "/config/mcp/onboard",
    access: ["plan"],
    tag: "servers",
    summary: "Shake hands with an MCP server; with intent plan, also plan its onboarding",
  },
  importServers: {
    method: "POST",
    path: "/config/mcp/import",
    access: ["plan"],
    tag: "servers",
    summary:
      "Plan the servers of a client's mcp.json, their keys moved to the store; the file rewritten for the gateway",
  },
  exportClient: {
    method: "GET",
    path: "/config/mcp/client",
    access: ["read"],
    tag: "servers",
    summary: "Configuration for a client to reach the gateway",
  },
  listServers: {
    method: "GET",
    path: "/servers",
    access: ["read"],
    tag: "servers",
    summary: "MCP servers of the live configuration, as they are",
  },
  getServer: {
    method: "GET",
    path: "/servers/{id}",
    access: ["read"],
    tag: "servers",
    summary: "One server with its tools, latency and log",
  },
  getServerTool: {
    method: "GET",
    path: "/servers/{id}/tools/{tool}",
    access: ["read"],
    tag: "servers",
    summary: "A tool's definition as approved and as offered now",
  },
  acceptTools: {
    method: "POST",
    path: "/servers/{id}/tools/accept",
    access: ["plan"],
    tag: "servers",
    summary: "Plan to accept a server's tools as they are offered now",
  },
  probeServer: {
    method: "POST",
    path: "/servers/{id}/probe",
    access: ["operate"],
    tag: "servers",
    summary: "Look at a server now",
  },
  restartServer: {
    method: "POST",
    path: "/servers/{id}/restart",
    access: ["operate"],
    tag: "servers",
    summary: "Reconnect a server, or restart its process; calls under way end on the old one",
  },
  listKeys: {
    method: "GET",
    path: "/keys",
    access: ["read"],
    tag: "keys",
    summary: "Keys with their state, age and last handshake; never a value",
  },
  addKey: {
    method: "POST",
    path: "/keys",
    access: ["add_key"],
    tag: "keys",
    summary: "Store a key, encrypted; its value is never shown again",
    status: 201,
  },
  rotateKey: {
    method: "POST",
    path: "/keys/{provider}/{name}/rotate",
    access: ["rotate_key"],
    tag: "keys",
    summary: "Stage a new value, prove it by a handshake, then use it; or keep the old one",
    status: 201,
  },
  renewKey: {
    method: "POST",
    path: "/keys/{provider}/{name}/renew",
    access: ["rotate_key"],
    tag: "keys",
    summary: "Have a key's issuer renew it now",
    status: 201,
  },
  setKeyRenewal: {
    method: "PUT",
    path: "/keys/{provider}/{name}/renewal",
    access: ["rotate_key"],
    tag: "keys",
    summary: "Set how a key is renewed automatically, or turn that off",
  },
  revokeKey: {
    method: "DELETE",
    path: "/keys/{provider}/{name}",
    access: ["rotate_key"],
    tag: "keys",
    summary: "Wipe a key; servers that take it are quarantined",
  },
  getRotation: {
    method: "GET",
    path: "/keys/rotations/{id}",
    access: ["read"],
    tag: "keys",
    summary: "A rotation with its handshakes",
  },
  watchRotation: {
    method: "GET",
    path: "/keys/rotations/{id}/events",
    access: ["read"],
    tag: "keys",
    summary: "A rotation as it goes on, as server-sent events; the stream ends with it",
    stream: "text/event-stream",
  },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof operations;
