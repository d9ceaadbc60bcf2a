import type { Canary, CanaryState, ChangeDetail } from "@ciclo/contract";
import { msg } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { call } from "../../api.ts";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Panel } from "../../ui/page.tsx";
import { Problem } from "../../ui/states.tsx";
import { useBlocked } from "../session/session.tsx";
import type { Look } from "./labels.tsx";

const looks: Record<CanaryState, Look> = {
  running: { tone: "accent", icon: "running", label: msg`Probing` },
  passed: { tone: "ok", icon: "done", label: msg`Passed` },
  failed: { tone: "bad", icon: "failed", label: msg`Failed, taken back` },
  inconclusive: { tone: "warn", icon: "waiting", label: msg`Waits for a person` },
  kept: { tone: "neutral", icon: "done", label: msg`Kept by a person` },
};

/** What probes found after the change; and the decision, where they could not tell. */
export function CanaryPanel({
  planId,
  canary,
}: {
  planId: string;
  canary: NonNullable<ChangeDetail["canary"]>;
}) {
  const { t, i18n } = useLingui();
  const client = useQueryClient();
  const blocked = useBlocked()("decide");
  const decide = useMutation({
    mutationFn: (decision: "keep" | "retry") =>
      call("decideCanary", { params: { plan_id: planId }, body: { decision } }),
    onSuccess: () => client.invalidateQueries(),
  });
  const look = looks[canary.status];
  return (
    <Panel title={t`Canary`}>
      <div className="flex flex-col gap-3">
        <span>
          <Badge tone={look.tone} icon={look.icon}>
            {i18n._(look.label)}
          </Badge>
        </span>
        <p className="wrap-anywhere">{canary.detail}</p>
        <Samples canary={canary} />
        {canary.status === "inconclusive" ? (
          <div className="flex flex-wrap gap-2">
            <Button small blocked={blocked} busy={decide.isPending} onClick={() => decide.mutate("retry")}>
              {t`Probe again`}
            </Button>
            <Button small blocked={blocked} busy={decide.isPending} onClick={() => decide.mutate("keep")}>
              {t`Keep the change`}
            </Button>
          </div>
        ) : null}
        {decide.isError ? <Problem error={decide.error} /> : null}
      </div>
    </Panel>
  );
}

function Samples({ canary: { servers, samples, max_latency_ms } }: { canary: Canary }) {
  const { t } = useLingui();
  if (samples.length === 0) return null;
  return (
    <ul aria-label={t`Probes`} className="flex flex-col gap-1 text-muted">
      {servers.map((server) => (
        <li key={server} className="wrap-anywhere">
          <span className="font-medium">{server}</span>{" "}
          <span className="tabular-nums">
            {samples
              .filter((sample) => sample.server === server)
              .map(({ ok, ms }) => (ok && ms !== null ? `${Math.round(ms)}` : "✗"))
              .join(" · ")}
          </span>{" "}
          {t`of at most ${max_latency_ms} ms`}
        </li>
      ))}
    </ul>
  );
}
