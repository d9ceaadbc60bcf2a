import {
  type Attributes,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import type { Health } from "@ciclo/contract";
import type { Cost, MeteredCall } from "../../domain/usage.ts";
import { modelAttributes, type Observe, toolAttributes } from "./instruments.ts";

/** A span for each call that the console sees itself. No prompt, argument or answer is in it. */
export const callSpans =
  (tracer: Tracer): Observe =>
  (call, cost) => {
    const { subject, status, error } = call;
    const endTime = Date.parse(call.at);
    const isModel = subject.kind === "model";
    const attributes = isModel ? modelAttributes(call) : toolAttributes(call);
    const name = isModel
      ? `${String(attributes["gen_ai.operation.name"])} ${subject.model ?? ""}`
      : `${subject.method ?? ""} ${subject.tool ?? ""}`;
    const span = tracer.startSpan(name.trim(), {
      kind: isModel ? SpanKind.CLIENT : SpanKind.SERVER,
      startTime: endTime - (call.ms ?? 0),
      attributes: {
        ...attributes,
        ...usageAttributes(call),
        ...costAttributes(cost),
        ...whoAttributes(call),
      },
    });
    if (status !== "ok") {
      span.setAttribute("error.type", status);
      span.setStatus({ code: SpanStatusCode.ERROR, ...(error === null ? {} : { message: error }) });
    }
    span.end(endTime);
  };

function usageAttributes({ usage, session }: MeteredCall): Attributes {
  const conversation = session === null ? {} : { "gen_ai.conversation.id": session };
  if (usage === null) return conversation;
  const { input, cacheRead, cacheWriteShort, cacheWriteLong, output, reasoning } = usage.tokens;
  return {
    ...conversation,
    "gen_ai.usage.input_tokens": input + cacheRead + cacheWriteShort + cacheWriteLong,
    "gen_ai.usage.output_tokens": output,
    "gen_ai.usage.cache_read.input_tokens": cacheRead,
    "gen_ai.usage.cache_creation.input_tokens": cacheWriteShort + cacheWriteLong,
    "gen_ai.usage.reasoning.output_tokens": reasoning,
  };
}

const costAttributes = ({ nanoUsd, source }: Cost): Attributes => ({
  "ciclo.cost.source": source,
  ...(nanoUsd === null ? {} : { "ciclo.cost.usd": nanoUsd / 1e9 }),
});

const whoAttributes = ({ subject }: MeteredCall): Attributes =>
  Object.fromEntries(
    [
      ["ciclo.person", subject.actorName],
      ["ciclo.run", subject.run],
      ["ciclo.phase", subject.phase],
      ["ciclo.pull_request", subject.pullRequest],
      ["ciclo.sprint", subject.sprint],
    ].filter(([, value]) => value !== null),
  ) as Attributes;

/** A step that a change took out of the queue. Times in ISO 8601. */
export type EndedStep = { step: string; startedAt: string; endedAt: string };

/** A change that has ended, from its plan to its end. */
export type EndedChange = {
  planId: string;
  intent: string;
  outcome: string | null;
  status: string;
  createdAt: string;
  endedAt: string;
  /** Since when its operation stood in the queue; null where it never did. */
  queuedAt: string | null;
  /** How often a step of it was tried again. */
  retries: number;
  steps: readonly EndedStep[];
};

export function changeSpan(tracer: Tracer, change: EndedChange): void {
  const span = tracer.startSpan(`change ${change.intent}`, {
    kind: SpanKind.INTERNAL,
    startTime: Date.parse(change.createdAt),
    attributes: {
      "ciclo.plan.id": change.planId,
      "ciclo.change.intent": change.intent,
      "ciclo.change.status": change.status,
      ...(change.outcome === null ? {} : { "ciclo.change.outcome": change.outcome }),
    },
  });
  if (change.status === "failed") span.setStatus({ code: SpanStatusCode.ERROR });
  queueSpans(tracer, span, change);
  span.end(Date.parse(change.endedAt));
}

/** Below the span of a change: its time in the queue, and below that a span for each step. */
function queueSpans(tracer: Tracer, parent: Span, { queuedAt, retries, endedAt, steps }: EndedChange): void {
  if (queuedAt === null) return;
  const below = trace.setSpan(context.active(), parent);
  const queue = tracer.startSpan(
    "queue",
    { startTime: Date.parse(queuedAt), attributes: { "ciclo.queue.retries": retries } },
    below,
  );
  const inQueue = trace.setSpan(below, queue);
  for (const { step, startedAt, endedAt: end } of steps)
    tracer
      .startSpan(
        `step ${step}`,
        { startTime: Date.parse(startedAt), attributes: { "ciclo.queue.step": step } },
        inQueue,
      )
      .end(Date.parse(end));
  queue.end(Date.parse(endedAt));
}

/**
 * A span for each time that a check of the console's health was not well, from when that was first seen to when it was well
 * again.
 */
export class OutageSpans {
  readonly #tracer: Tracer;
  readonly #open = new Map<string, { span: Span; status: string }>();

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  /** Records how all checks stand now. A check that gets worse or better without recovering starts another span. */
  saw({ checks }: Health): void {
    for (const { id, status } of checks) {
      if (this.#open.get(id)?.status === status) continue;
      this.#end(id);
      if (status === "ok") continue;
      const attributes = { "ciclo.health.check": id, "ciclo.health.status": status };
      const span = this.#tracer.startSpan(`health ${id}`, { kind: SpanKind.INTERNAL, attributes });
      span.setStatus({ code: SpanStatusCode.ERROR });
      this.#open.set(id, { span, status });
    }
  }

  /** Ends what goes on while the console stops, and says so. */
  close(): void {
    for (const [id, { span }] of this.#open) {
      span.setAttribute("ciclo.health.unended", true);
      this.#end(id);
    }
  }

  #end(id: string): void {
    this.#open.get(id)?.span.end();
    this.#open.delete(id);
  }
}
