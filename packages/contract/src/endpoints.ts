import { z } from "zod";
import {
  budgetStandingsSchema,
  invoiceSchema,
  pauseDecisionSchema,
  reconciliationSchema,
  repricedSchema,
  repricingSchema,
  runPauseSchema,
  usageQuerySchema,
  usageReportSchema,
} from "./usage.ts";
import {
  issuedRunTokenSchema,
  newRunTokenSchema,
  newUserSchema,
  provisionedUserSchema,
  roleSchema,
  runTokenSchema,
  sessionRequestSchema,
  sessionSchema,
  tokenRequestSchema,
  userSchema,
} from "./access.ts";
import { chatOverviewSchema, chatQuerySchema, chatReplySchema, chatRequestSchema } from "./assistant.ts";
import {
  auditEventSchema,
  auditExportSchema,
  auditQuerySchema,
  auditVerdictSchema,
  checkpointSchema,
} from "./audit.ts";
import {
  approvalItemSchema,
  approvalQuerySchema,
  canaryDecisionSchema,
  canarySchema,
  changeDetailSchema,
  changeQuerySchema,
  changeSummarySchema,
  decisionSchema,
  planExecutionResultSchema,
  refreshSchema,
  rollbackPreviewSchema,
  rollbackSchema,
  submissionSchema,
} from "./changes.ts";
import { cycleEndpoints } from "./cycle-endpoints.ts";
import { configurationSchema, healthSchema } from "./status.ts";
import {
  keyParams,
  keySchema,
  newKeySchema,
  renewalSchema,
  rotateKeySchema,
  rotationParams,
  rotationSchema,
} from "./keys.ts";
import { type Operation, type OperationName, operations } from "./operations.ts";
import { plannedSchema, planRequestSchema } from "./plans.ts";
import {
  acceptToolsSchema,
  clientConfigurationSchema,
  clientQuerySchema,
  importedSchema,
  importSchema,
  onboardedSchema,
  onboardSchema,
  serverDetailSchema,
  serverParams,
  serverSummarySchema,
  serverToolParams,
  toolDriftSchema,
} from "./servers.ts";

/** The shapes of an operation's parts; see `operations` for what it is. */
type Shapes = {
  params?: z.ZodObject;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** Absent: 204 without a body, or a stream. */
  response?: z.ZodType;
};

/** An operation with its shapes. */
export type Endpoint = Operation & Shapes;

const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next_cursor: z.string().nullable() });
const userParams = z.object({ id: z.string().min(1).max(100) });

export const endpoints = {
  createSession: {
    ...operations.createSession,
    body: sessionRequestSchema,
    response: sessionSchema,
  },
  getSession: {
    ...operations.getSession,
    response: sessionSchema,
  },
  deleteSession: operations.deleteSession,
  listUsers: {
    ...operations.listUsers,
    response: z.object({ items: z.array(userSchema) }),
  },
  createUser: {
    ...operations.createUser,
    body: newUserSchema,
    response: provisionedUserSchema,
  },
  setUserRoles: {
    ...operations.setUserRoles,
    params: userParams,
    body: z.strictObject({ roles: z.array(roleSchema).max(4) }),
    response: userSchema,
  },
  disableUser: {
    ...operations.disableUser,
    params: userParams,
    response: userSchema,
  },
  enableUser: {
    ...operations.enableUser,
    params: userParams,
    response: userSchema,
  },
  rotateToken: {
    ...operations.rotateToken,
    params: userParams,
    body: tokenRequestSchema,
    response: provisionedUserSchema,
  },
  revokeToken: {
    ...operations.revokeToken,
    params: userParams,
    response: userSchema,
  },
  listRunTokens: {
    ...operations.listRunTokens,
    response: z.object({ items: z.array(runTokenSchema) }),
  },
  createRunToken: {
    ...operations.createRunToken,
    body: newRunTokenSchema,
    response: issuedRunTokenSchema,
  },
  endRunToken: {
    ...operations.endRunToken,
    params: z.object({ id: z.string() }),
    response: runTokenSchema,
  },
  getChat: {
    ...operations.getChat,
    query: chatQuerySchema,
    response: chatOverviewSchema,
  },
  chat: {
    ...operations.chat,
    body: chatRequestSchema,
    response: chatReplySchema,
  },
  plan: {
    ...operations.plan,
    body: planRequestSchema,
    response: plannedSchema,
  },
  apply: {
    ...operations.apply,
    body: z.union([submissionSchema, decisionSchema]),
    response: planExecutionResultSchema,
  },
  refreshPullRequest: {
    ...operations.refreshPullRequest,
    body: refreshSchema,
    response: planExecutionResultSchema,
  },
  rollback: {
    ...operations.rollback,
    body: rollbackSchema,
    response: planExecutionResultSchema,
  },
  listChanges: {
    ...operations.listChanges,
    query: changeQuerySchema,
    response: page(changeSummarySchema),
  },
  getChange: {
    ...operations.getChange,
    params: z.object({ plan_id: z.string().min(1).max(120) }),
    response: changeDetailSchema,
  },
  previewRollback: {
    ...operations.previewRollback,
    params: z.object({ plan_id: z.string().min(1).max(120) }),
    response: rollbackPreviewSchema,
  },
  decideCanary: {
    ...operations.decideCanary,
    params: z.object({ plan_id: z.string().min(1).max(120) }),
    body: canaryDecisionSchema,
    response: canarySchema,
  },
  listApprovals: {
    ...operations.listApprovals,
    query: approvalQuerySchema,
    response: page(approvalItemSchema),
  },
  getUsage: {
    ...operations.getUsage,
    query: usageQuerySchema,
    response: usageReportSchema,
  },
  exportUsage: { ...operations.exportUsage, query: usageQuerySchema },
  exportUsagePage: { ...operations.exportUsagePage, query: usageQuerySchema },
  exportFocus: { ...operations.exportFocus, query: usageQuerySchema },
  reconcile: { ...operations.reconcile, body: invoiceSchema, response: reconciliationSchema },
  reprice: { ...operations.reprice, body: repricingSchema, response: repricedSchema },
  listBudgets: { ...operations.listBudgets, response: budgetStandingsSchema },
  listAudit: {
    ...operations.listAudit,
    query: auditQuerySchema,
    response: page(auditEventSchema),
  },
  listRunPauses: {
    ...operations.listRunPauses,
    response: z.object({ items: z.array(runPauseSchema) }),
  },
  decideRunPause: {
    ...operations.decideRunPause,
    params: z.object({ id: z.string() }),
    body: pauseDecisionSchema,
    response: runPauseSchema,
  },
  ...cycleEndpoints,
  getCheckpoint: {
    ...operations.getCheckpoint,
    response: checkpointSchema,
  },
  verifyAudit: {
    ...operations.verifyAudit,
    response: auditVerdictSchema,
  },
  exportAudit: {
    ...operations.exportAudit,
    query: auditExportSchema,
  },
  events: operations.events,
  getHealth: {
    ...operations.getHealth,
    response: healthSchema,
  },
  getConfiguration: {
    ...operations.getConfiguration,
    response: configurationSchema,
  },
  onboard: {
    ...operations.onboard,
    body: onboardSchema,
    response: onboardedSchema,
  },
  importServers: {
    ...operations.importServers,
    body: importSchema,
    response: importedSchema,
  },
  exportClient: {
    ...operations.exportClient,
    query: clientQuerySchema,
    response: clientConfigurationSchema,
  },
  listServers: {
    ...operations.listServers,
    response: z.object({ items: z.array(serverSummarySchema) }),
  },
  getServer: {
    ...operations.getServer,
    params: serverParams,
    response: serverDetailSchema,
  },
  getServerTool: {
    ...operations.getServerTool,
    params: serverToolParams,
    response: toolDriftSchema,
  },
  acceptTools: {
    ...operations.acceptTools,
    params: serverParams,
    body: acceptToolsSchema,
    response: plannedSchema,
  },
  probeServer: {
    ...operations.probeServer,
    params: serverParams,
    response: serverSummarySchema,
  },
  restartServer: {
    ...operations.restartServer,
    params: serverParams,
    response: serverSummarySchema,
  },
  listKeys: {
    ...operations.listKeys,
    response: z.object({ items: z.array(keySchema) }),
  },
  addKey: {
    ...operations.addKey,
    body: newKeySchema,
    response: keySchema,
  },
  rotateKey: {
    ...operations.rotateKey,
    params: keyParams,
    body: rotateKeySchema,
    response: rotationSchema,
  },
  renewKey: {
    ...operations.renewKey,
    params: keyParams,
    response: rotationSchema,
  },
  setKeyRenewal: {
    ...operations.setKeyRenewal,
    params: keyParams,
    body: z.strictObject({ renewal: renewalSchema.nullable() }),
    response: keySchema,
  },
  revokeKey: {
    ...operations.revokeKey,
    params: keyParams,
    response: keySchema,
  },
  getRotation: {
    ...operations.getRotation,
    params: rotationParams,
    response: rotationSchema,
  },
  watchRotation: {
    ...operations.watchRotation,
    params: rotationParams,
  },
} as const satisfies Record<OperationName, Endpoint>;

export type EndpointName = OperationName;
type Output<S> = S extends z.ZodType ? z.output<S> : undefined;
type Input<S> = S extends z.ZodType ? z.input<S> : undefined;
type Field<E, K extends string> = E extends Record<K, infer S> ? S : undefined;

export type EndpointBody<N extends EndpointName> = Output<Field<(typeof endpoints)[N], "body">>;
export type EndpointQuery<N extends EndpointName> = Output<Field<(typeof endpoints)[N], "query">>;
export type EndpointParams<N extends EndpointName> = Output<Field<(typeof endpoints)[N], "params">>;
export type EndpointResponse<N extends EndpointName> = Output<Field<(typeof endpoints)[N], "response">>;
export type EndpointBodyInput<N extends EndpointName> = Input<Field<(typeof endpoints)[N], "body">>;
export type EndpointQueryInput<N extends EndpointName> = Input<Field<(typeof endpoints)[N], "query">>;
