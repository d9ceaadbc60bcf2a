import type { UsageReport } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { useFigures } from "./format.ts";
import { Change } from "./groups.tsx";

/** The sums of a report, each against the window before. */
export function Figures({ report: { total, before } }: { report: UsageReport }) {
  const { t } = useLingui();
  const { usd, count, short, share, ms } = useFigures();
  const input = total.input_tokens + total.cache_write_short_tokens + total.cache_write_long_tokens;
  const [cached, callsBefore] = [short(total.cache_read_tokens), count(before.calls)];
  const [errors, refused] = [share(total.errors, total.calls), share(total.refused, total.calls)];
  const priced = total.calls - total.unpriced_calls - total.unknown_calls;
  const estimated = share(total.estimated_calls, total.calls);
  const median = ms(total.p50_ms);
  return (
    <dl className="grid grid-cols-2 gap-3 lg:grid-cols-5">
      <Figure name={t`Spent`} value={<span data-usd={total.cost_usd}>{usd(total.cost_usd)}</span>}>
        <Change now={total.cost_usd} before={before.cost_usd} />
      </Figure>
      <Figure name={t`Calls`} value={count(total.calls)}>
        {t`${callsBefore} in the window before`}
      </Figure>
      <Figure name={t`Tokens in · out`} value={`${short(input)} · ${short(total.output_tokens)}`}>
        {t`and ${cached} read from caches`}
      </Figure>
      <Figure name={t`Slowest 5%`} value={ms(total.p95_ms)}>
        {total.p95_ms === null
          ? t`no call was timed; ${errors} failed, ${refused} refused`
          : t`half within ${median}; ${errors} failed, ${refused} refused`}
      </Figure>
      <Figure name={t`Priced`} value={share(priced, total.calls)}>
        {t`${estimated} of calls estimated`}
      </Figure>
    </dl>
  );
}

function Figure({ name, value, children }: { name: string; value: ReactNode; children: ReactNode }) {
  return (
    <div className="flex flex-col rounded-xl border border-line bg-surface p-4">
      <dt className="text-muted">{name}</dt>
      <dd className="text-[1.45rem] font-semibold tabular-nums">{value}</dd>
      <dd className="text-muted">{children}</dd>
    </div>
  );
}

/** Groups whose cost changed most against the window before; nothing where there was none. */
export function Movers({
  report: { movers, before },
  nameOf,
}: {
  report: UsageReport;
  nameOf(key: string | null): string;
}) {
  const { t } = useLingui();
  const { usd } = useFigures();
  if (movers.length === 0 || before.calls === 0) return null;
  return (
    <p className="text-sm text-muted">
      {t`Changed most:`}{" "}
      {movers.map(({ key, cost_usd: now, cost_usd_before: was }, index) => (
        <span key={key ?? ""}>
          {index === 0 ? null : " · "}
          <b>{nameOf(key)}</b> {now < was ? "−" : "+"}
          {usd(Math.abs(now - was))}
        </span>
      ))}
    </p>
  );
}
