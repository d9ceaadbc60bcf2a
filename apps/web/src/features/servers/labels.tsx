import type { HandshakeStepName, McpClient, ServerState, ToolState } from "@ciclo/contract";
import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { Badge } from "../../ui/badge.tsx";
import type { Look } from "../changes/labels.tsx";

const stateLooks: Record<ServerState, Look> = {
  starting: { tone: "neutral", icon: "running", label: msg`Starting` },
  healthy: { tone: "ok", icon: "done", label: msg`Healthy` },
  degraded: { tone: "warn", icon: "warning", label: msg`Degraded` },
  down: { tone: "bad", icon: "failed", label: msg`Down` },
  quarantined: { tone: "bad", icon: "stopped", label: msg`Quarantined` },
};

const toolLooks: Record<ToolState, Look> = {
  accepted: { tone: "ok", icon: "done", label: msg`Accepted` },
  new: { tone: "warn", icon: "waiting", label: msg`New` },
  changed: { tone: "bad", icon: "warning", label: msg`Changed` },
  missing: { tone: "neutral", icon: "idle", label: msg`Missing` },
  invalid: { tone: "bad", icon: "stopped", label: msg`Not usable` },
};

export const stepLabels: Record<HandshakeStepName, MessageDescriptor> = {
  resolve: msg`Resolve`,
  connect: msg`Connect`,
  negotiate: msg`Negotiate the protocol`,
  list_tools: msg`List tools`,
  done: msg`Done`,
};

/** Names of products stay as they are. */
export const clientNames: Record<McpClient, string> = {
  intellij: "IntelliJ (AI Assistant)",
  vscode: "VS Code",
  "claude-code": "Claude Code",
  cursor: "Cursor",
};

function LookBadge({ look }: { look: Look }) {
  const { i18n } = useLingui();
  return (
    <Badge tone={look.tone} icon={look.icon}>
      {i18n._(look.label)}
    </Badge>
  );
}

export const ServerBadge = ({ state }: { state: ServerState }) => <LookBadge look={stateLooks[state]} />;
export const ToolBadge = ({ state }: { state: ToolState }) => <LookBadge look={toolLooks[state]} />;
