import { z } from "zod";
import {
  newUserSchema,
  type Permission,
  provisionedUserSchema,
  roleSchema,
  sessionRequestSchema,
  sessionSchema,
  tokenRequestSchema,
  userSchema,
} from "./access.ts";
import { chatOverviewSchema, chatQuerySchema, chatReplySchema, chatRequestSchema } from "./assistant.ts";
import { auditEventSchema, auditQuerySchema, checkpointSchema } from "./audit.ts";
import {
  approvalItemSchema,
  approvalQuerySchema,
  changeDetailSchema,
  changeQuerySchema,
  changeSummarySchema,
  decisionSchema,
  planExecutionResultSchema,
  refreshSchema,
  rollbackSchema,
  submissionSchema,
} from "./changes.ts";
import { plannedSchema, planRequestSchema } from "./plans.ts";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/**
 * One HTTP operation. `access` names the permissions of which one suffices to enter;
 * `public` needs no token. Where a body decides (`POST /config/apply`), the service asks again.
 */
export type Endpoint = {
  method: Method;
  /** Below `/api/v1`, with `{name}` parameters. */
  path: string;
  access: "public" | readonly Permission[];
  summary: string;
  tag: string;
  params?: z.ZodObject;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** Absent: 204 without a body, or a stream. */
  response?: z.ZodType;
  status?: 200 | 201 | 204;
};

const endpoint = <const E extends Endpoint>(value: E): E => value;
const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next_cursor: z.string().nullable() });
const userParams = z.object({ id: z.string().min(1).max(100) });

export const endpoints = {
  createSession: endpoint({
    method: "POST",
    path: "/session",
    access: "public",
    tag: "access",
    summary: "Exchange a token or one-time link for a session cookie",
    body: sessionRequestSchema,
    response: sessionSchema,
    status: 201,
  }),
  getSession: endpoint({
    method: "GET",
    path: "/session",
    access: ["read"],
    tag: "access",
    summary: "Who am I, and what may I do",
    response: sessionSchema,
  }),
  deleteSession: endpoint({
    method: "DELETE",
    path: "/session",
    access: ["read"],
    tag: "access",
    summary: "Sign out",
    status: 204,
  }),
  listUsers: endpoint({
    method: "GET",
    path: "/users",
    access: ["manage_access"],
    tag: "access",
    summary: "Users with their roles",
    response: z.object({ items: z.array(userSchema) }),
  }),
  createUser: endpoint({
    method: "POST",
    path: "/users",
    access: ["manage_access"],
    tag: "access",
    summary: "Create a user; the token is shown this once",
    body: newUserSchema,
    response: provisionedUserSchema,
    status: 201,
  }),
  setUserRoles: endpoint({
    method: "PUT",
    path: "/users/{id}/roles",
    access: ["manage_access"],
    tag: "access",
    summary: "Replace a user's roles",
    params: userParams,
    body: z.strictObject({ roles: z.array(roleSchema).max(4) }),
    response: userSchema,
  }),
  disableUser: endpoint({
    method: "POST",
    path: "/users/{id}/disable",
    access: ["manage_access"],
    tag: "access",
    summary: "Cut a user off at once: token, sessions, links",
    params: userParams,
    response: userSchema,
  }),
  rotateToken: endpoint({
    method: "POST",
    path: "/users/{id}/token",
    access: ["manage_access"],
    tag: "access",
    summary: "Give a user a new token, shown this once; the old one stops working",
    params: userParams,
    body: tokenRequestSchema,
    response: provisionedUserSchema,
    status: 201,
  }),
  revokeToken: endpoint({
    method: "DELETE",
    path: "/users/{id}/token",
    access: ["manage_access"],
    tag: "access",
    summary: "Take a user's token away",
    params: userParams,
    response: userSchema,
  }),
  getChat: endpoint({
    method: "GET",
    path: "/config/chat",
    access: ["read"],
    tag: "assistant",
    summary: "Own threads and the supported intents; or one thread's messages",
    query: chatQuerySchema,
    response: chatOverviewSchema,
  }),
  chat: endpoint({
    method: "POST",
    path: "/config/chat",
    access: ["chat"],
    tag: "assistant",
    summary: "Say what should change, or ask",
    body: chatRequestSchema,
    response: chatReplySchema,
  }),
  plan: endpoint({
    method: "POST",
    path: "/config/plan",
    access: ["plan"],
    tag: "plans",
    summary: "Turn an intent into a plan with a patch",
    body: planRequestSchema,
    response: plannedSchema,
  }),
  apply: endpoint({
    method: "POST",
    path: "/config/apply",
    access: ["submit", "decide"],
    tag: "changes",
    summary: "Submit or dry-run a plan, or decide an approval",
    body: z.union([submissionSchema, decisionSchema]),
    response: planExecutionResultSchema,
  }),
  refreshPullRequest: endpoint({
    method: "POST",
    path: "/config/apply/status",
    access: ["decide"],
    tag: "changes",
    summary: "Refresh pull request state from the forge",
    body: refreshSchema,
    response: planExecutionResultSchema,
  }),
  rollback: endpoint({
    method: "POST",
    path: "/config/rollback",
    access: ["rollback"],
    tag: "changes",
    summary: "Take a change back",
    body: rollbackSchema,
    response: planExecutionResultSchema,
  }),
  listChanges: endpoint({
    method: "GET",
    path: "/changes",
    access: ["read"],
    tag: "changes",
    summary: "History, newest first",
    query: changeQuerySchema,
    response: page(changeSummarySchema),
  }),
  getChange: endpoint({
    method: "GET",
    path: "/changes/{plan_id}",
    access: ["read"],
    tag: "changes",
    summary: "One change with its plan and timeline",
    params: z.object({ plan_id: z.string().min(1).max(120) }),
    response: changeDetailSchema,
  }),
  listApprovals: endpoint({
    method: "GET",
    path: "/approvals",
    access: ["read"],
    tag: "changes",
    summary: "The inbox",
    query: approvalQuerySchema,
    response: page(approvalItemSchema),
  }),
  listAudit: endpoint({
    method: "GET",
    path: "/audit",
    access: ["read"],
    tag: "audit",
    summary: "The audit log, newest first",
    query: auditQuerySchema,
    response: page(auditEventSchema),
  }),
  getCheckpoint: endpoint({
    method: "GET",
    path: "/audit/checkpoint",
    access: ["read"],
    tag: "audit",
    summary: "The signed head of the audit log",
    response: checkpointSchema,
  }),
} as const satisfies Record<string, Endpoint>;

export type EndpointName = keyof typeof endpoints;
type Output<S> = S extends z.ZodType ? z.output<S> : undefined;
type Input<S> = S extends z.ZodType ? z.input<S> : undefined;
type Field<E, K extends string> = E extends Record<K, infer S> ? S : undefined;

export type EndpointBody<N extends EndpointName> = Output<Field<(typeof endpoints)[N], "body">>;
export type EndpointQuery<N extends EndpointName> = Output<Field<(typeof endpoints)[N], "query">>;
export type EndpointParams<N extends EndpointName> = Output<Field<(typeof endpoints)[N], "params">>;
export type EndpointResponse<N extends EndpointName> = Output<Field<(typeof endpoints)[N], "response">>;
export type EndpointBodyInput<N extends EndpointName> = Input<Field<(typeof endpoints)[N], "body">>;
export type EndpointQueryInput<N extends EndpointName> = Input<Field<(typeof endpoints)[N], "query">>;
