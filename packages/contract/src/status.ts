import { z } from "zod";
import { auditStatuses, healthStates, liveTopics } from "./vocabulary.ts";

/** The data of one server-sent event; its id is `seq`. A hint: the truth is what the API answers. */
export const liveEventSchema = z.object({
  seq: z.int(),
  topic: z.enum(liveTopics),
  at: z.string(),
  action: z.string(),
  status: z.enum(auditStatuses),
  actor_id: z.string().nullable(),
  actor_name: z.string(),
  resource: z.string(),
  plan_id: z.string().nullable(),
});
export type LiveEvent = z.infer<typeof liveEventSchema>;

/** What health looks at, in the order in which it is told. */
export const healthChecks = [
  "database",
  "disk",
  "repository",
  "configuration",
  "changes",
  "servers",
  "sandbox",
  "keys",
  "logs",
  "background",
  "audit",
] as const;

export const healthSchema = z.object({
  status: z.enum(healthStates),
  checks: z.array(
    z.object({
      id: z.enum(healthChecks),
      status: z.enum(healthStates),
      /** What is wrong and what to do; what was seen, when nothing is. */
      detail: z.string(),
    }),
  ),
});
export type Health = z.infer<typeof healthSchema>;

export const configurationSchema = z.object({
  name: z.string(),
  branch: z.string(),
  commit: z.string(),
  agents: z.array(z.object({ name: z.string(), title: z.string() })),
  servers: z.array(z.object({ id: z.string(), title: z.string() })),
  policies: z.array(z.object({ id: z.string(), kind: z.string(), title: z.string() })),
  problems: z.array(z.object({ path: z.string(), message: z.string() })),
});
export type Configuration = z.infer<typeof configurationSchema>;
