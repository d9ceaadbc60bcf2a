import type { ServerSummary } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";

type Sample = ServerSummary["latency"][number];

const width = 120;
const height = 24;
const shown = 40;

/** Latency of the latest probes; a failed one is a bar. The table of the same numbers is on the server's page. */
export function Sparkline({ samples }: { samples: readonly Sample[] }) {
  const { t } = useLingui();
  const latest = samples.slice(-shown);
  const last = latest.findLast(({ ms }) => ms !== null)?.ms ?? null;
  if (latest.length === 0) return <span className="text-muted">{t`not probed`}</span>;
  const most = Math.max(1, ...latest.map(({ ms }) => ms ?? 0));
  const step = width / Math.max(1, shown - 1);
  const points = latest.flatMap(({ ms }, index) =>
    ms === null ? [] : [`${index * step},${height - 2 - (ms / most) * (height - 4)}`],
  );
  return (
    <span className="inline-flex items-center gap-2 whitespace-nowrap">
      <svg
        width={Math.ceil((latest.length - 1) * step) + 4}
        height={height}
        aria-hidden
        className="shrink-0 max-lg:hidden"
      >
        {latest.map(({ at, ok }, index) =>
          ok ? null : (
            <rect
              key={at}
              x={Math.max(0, index * step - 1.5)}
              y={0}
              width={3}
              height={height}
              className="fill-bad opacity-70"
            />
          ),
        )}
        <polyline points={points.join(" ")} fill="none" strokeWidth={1.5} className="stroke-accent" />
      </svg>
      <span className="tabular-nums">{last === null ? t`no answer` : t`${Math.round(last)} ms`}</span>
    </span>
  );
}
