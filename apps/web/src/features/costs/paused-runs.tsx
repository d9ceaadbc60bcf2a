import type { RunPause } from "@ciclo/contract";
import { msg } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Mono } from "../../ui/code.tsx";
import { Panel } from "../../ui/page.tsx";
import { Problem } from "../../ui/states.tsx";
import { Time } from "../../ui/time.tsx";
import type { Look } from "../changes/labels.tsx";
import { DecidePause } from "./decide-pause.tsx";
import { type Decision, useAmount } from "./pause-words.ts";
import { pausesQuery } from "./queries.ts";

const looks: Record<RunPause["state"], Look> = {
  waiting: { tone: "warn", icon: "waiting", label: msg`Waits for a decision` },
  raised: { tone: "ok", icon: "done", label: msg`May spend more` },
  rerouted: { tone: "accent", icon: "done", label: msg`Re-routed` },
  stopped: { tone: "bad", icon: "stopped", label: msg`Stopped` },
  over: { tone: "neutral", icon: "idle", label: msg`Goes on: there is budget again` },
};

/** Runs that used up a budget: those that wait first. Not there while there are none. */
export function PausedRuns() {
  const { t } = useLingui();
  const { data, error, refetch } = useQuery(pausesQuery);
  const [deciding, setDeciding] = useState<{ pause: RunPause; decision: Decision } | null>(null);
  if (error === null && (data === undefined || data.length === 0)) return null;
  const isWaiting = ({ state }: RunPause): number => (state === "waiting" ? 0 : 1);
  return (
    <Panel flush title={t`Paused runs`}>
      {error === null ? null : (
        <div className="p-4">
          <Problem error={error} onRetry={() => void refetch()} />
        </div>
      )}
      <ul>
        {(data ?? [])
          .toSorted((a, b) => isWaiting(a) - isWaiting(b))
          .map((pause) => (
            <li key={pause.id} className="border-b border-line p-4 last:border-b-0">
              <Pause of={pause} onDecide={(decision) => setDeciding({ pause, decision })} />
            </li>
          ))}
      </ul>
      {deciding === null ? null : <DecidePause {...deciding} onClose={() => setDeciding(null)} />}
    </Panel>
  );
}

function Pause({ of: pause, onDecide }: { of: RunPause; onDecide(decision: Decision): void }) {
  const { t, i18n } = useLingui();
  const amount = useAmount(pause);
  const { tone, icon, label } = looks[pause.state];
  const { run, model } = pause;
  const { name } = pause.user;
  const [spent, of] = [amount(pause.spent), amount(pause.of)];
  return (
    <article aria-label={run} className="flex flex-col gap-2">
      <header className="flex flex-wrap items-start justify-between gap-2">
        <div className="min-w-0">
          <h3 className="wrap-anywhere">{run}</h3>
          <span className="text-muted">
            {t`as ${name}`} · <Time at={pause.paused_at} />
          </span>
        </div>
        <Badge tone={tone} icon={icon}>
          {i18n._(label)}
        </Badge>
      </header>
      <p>
        {t`${spent} of ${of} are spent`}
        {model === null ? null : t`, and asked for ${model}`}
        <span className="block text-muted">
          <Mono>{`${pause.file} · ${pause.field}`}</Mono>
        </span>
      </p>
      <Decided of={pause} />
      {pause.may.raise || pause.may.stop ? (
        <div className="flex flex-wrap gap-2">
          {pause.may.raise ? (
            <Button
              small
              look="primary"
              aria-label={t`Let it spend more… (${run})`}
              onClick={() => onDecide("raise")}
            >
              {t`Let it spend more…`}
            </Button>
          ) : null}
          {pause.may.raise && model !== null ? (
            <Button
              small
              aria-label={t`Send it to another model… (${run})`}
              onClick={() => onDecide("reroute")}
            >
              {t`Send it to another model…`}
            </Button>
          ) : null}
          {pause.may.stop ? (
            <Button small look="danger" aria-label={t`Stop it… (${run})`} onClick={() => onDecide("stop")}>
              {t`Stop it…`}
            </Button>
          ) : null}
        </div>
      ) : pause.state === "waiting" ? (
        <p className="text-muted">{t`An approver decides; nobody decides alone on their own run.`}</p>
      ) : null}
    </article>
  );
}

function Decided({ of: pause }: { of: RunPause }) {
  const { t } = useLingui();
  const amount = useAmount(pause);
  const { decided_by: by, decided_at: at, amount: more, to_model: model, note } = pause;
  if (by === null || at === null) return null;
  const moreText = more === null ? "" : amount(more);
  const said = [
    more === null ? null : t`${moreText} more`,
    model === null ? null : t`calls go to ${model}`,
    note,
  ].filter((part) => part !== null);
  return (
    <p className="wrap-anywhere">
      {[by, ...said].join(" · ")} · <Time at={at} />
    </p>
  );
}
