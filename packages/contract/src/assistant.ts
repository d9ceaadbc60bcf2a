import { z } from "zod";
import { planDiffSchema, planSchema, previewSchema, referenceSchema } from "./plans.ts";

const threadId = z.string().min(1).max(100);

export const chatRequestSchema = z.strictObject({
  message: z.string().trim().min(1).max(8000),
  intent: z.string().min(1).max(100).optional(),
  payload: z.record(z.string().max(200), z.json()).optional(),
  threadId: threadId.optional(),
});

export const chatReplySchema = z.object({
  threadId,
  reply: z.string(),
  intent: z.string().nullable(),
  payload: z.record(z.string(), z.json()).nullable(),
  missing: z.array(z.string()),
  plan: planSchema.nullable(),
  diffs: z.array(planDiffSchema),
  patch: z.string().nullable(),
  preview: previewSchema.nullable(),
  references: z.array(referenceSchema),
  /** A delivery cycle that was started because the message asked for it. */
  cycle: z.object({ id: z.string(), title: z.string(), repository: z.string() }).nullable().default(null),
});
export type ChatReply = z.infer<typeof chatReplySchema>;

export const chatQuerySchema = z.strictObject({ threadId: threadId.optional() });

export const threadMessageSchema = z.object({
  id: z.string(),
  role: z.enum(["user", "assistant"]),
  text: z.string(),
  at: z.string(),
  /** What the assistant understood and offered; null on a user's message. */
  answer: chatReplySchema.omit({ threadId: true, reply: true }).nullable(),
});
export type ThreadMessage = z.infer<typeof threadMessageSchema>;

export const chatOverviewSchema = z.object({
  threads: z.array(z.object({ threadId, title: z.string(), updated_at: z.string() })),
  intents: z.array(
    z.object({
      intent: z.string(),
      description: z.string(),
      required: z.array(z.string()),
      optional: z.array(z.string()),
      example: z.string(),
    }),
  ),
  threadId: threadId.optional(),
  messages: z.array(threadMessageSchema).optional(),
});
export type ChatOverview = z.infer<typeof chatOverviewSchema>;
