import { type Attributes, SpanKind, SpanStatusCode, type Tracer } from "@opentelemetry/api";
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

/** A change that has ended, from its plan to its end. */
export type EndedChange = {
  planId: string;
  intent: string;
  outcome: string | null;
  status: string;
  createdAt: string;
  endedAt: string;
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
  span.end(Date.parse(change.endedAt));
}
