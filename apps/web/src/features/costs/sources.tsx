import type { UsageQuery } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Panel } from "../../ui/page.tsx";
import { useFigures } from "./format.ts";
import { sourceLabels } from "./labels.ts";
import { reportQuery } from "./queries.ts";

/** Where the figures come from. A call that several saw is counted once, as the most reliable of them says. */
export function Sources({ query }: { query: UsageQuery }) {
  const { t, i18n } = useLingui();
  const { usd, count, share } = useFigures();
  const { bucket: _, ...rest } = query;
  const { data } = useQuery(reportQuery({ ...rest, group_by: "source" }));
  if (data === undefined) return null;
  return (
    <Panel title={t`Where the figures come from`}>
      <p className="max-w-prose text-muted">
        {t`A call that several sources saw is counted once. The figures are those of the source that stands first in this list.`}
      </p>
      <ol className="mt-2 flex flex-col gap-1">
        {Object.entries(sourceLabels).map(([source, label]) => {
          const sums = data.groups.find(({ key }) => key === source);
          const [calls, part, cost] = [
            count(sums?.calls ?? 0),
            share(sums?.calls ?? 0, data.total.calls),
            usd(sums?.cost_usd ?? 0),
          ];
          return (
            <li key={source} className="flex flex-wrap justify-between gap-x-4 tabular-nums">
              <span className={sums === undefined ? "text-muted" : undefined}>{i18n._(label)}</span>
              <span className="text-muted">{t`${calls} calls (${part}), ${cost}`}</span>
            </li>
          );
        })}
      </ol>
    </Panel>
  );
}
