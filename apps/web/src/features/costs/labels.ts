import type { UsageGroup } from "@ciclo/contract";
import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import type { Period } from "./search.ts";

export const groupLabels: Record<UsageGroup, MessageDescriptor> = {
  server: msg`Server`,
  tool: msg`Tool`,
  provider: msg`Provider`,
  model: msg`Model`,
  person: msg`Person`,
  agent: msg`Agent`,
  run: msg`Run`,
  phase: msg`Phase`,
  pull_request: msg`Pull request`,
  sprint: msg`Sprint`,
  kind: msg`Kind`,
  source: msg`Source`,
};

export const periodLabels: Record<Period, MessageDescriptor> = {
  today: msg`Today`,
  "7d": msg`Last 7 days`,
  "30d": msg`Last 30 days`,
  "90d": msg`Last 90 days`,
  month: msg`This month`,
  last_month: msg`Last month`,
  year: msg`Last 12 months`,
};

/** Who saw a call, the most reliable first. One that several saw has the figures of the first of them. */
export const sourceLabels: Readonly<Record<string, MessageDescriptor>> = {
  endpoint: msg`Model endpoint, at the wire`,
  gateway: msg`Gateway, at the wire`,
  telemetry: msg`MCP servers' own telemetry`,
  otlp: msg`Exported by agents (OTLP)`,
  log: msg`Agents' own logs`,
};

/** Names that are words of the console, and not from outside. */
export const nameLabels: Partial<Record<UsageGroup, Readonly<Record<string, MessageDescriptor>>>> = {
  source: sourceLabels,
  kind: { model: msg`Calls of models`, tool: msg`Calls of tools` },
};
