import type { CycleDetail } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { Facts, Panel } from "../../ui/page.tsx";
import { useFigures } from "../costs/format.ts";

/** What a cycle has used, by the ledger: in all, by phase, and by part of the work. */
export function Money({ cycle: { cost, part_costs: parts } }: { cycle: CycleDetail }) {
  const { t } = useLingui();
  const { usd, count: number } = useFigures();
  const count = number(cost.unknown_calls);
  return (
    <Panel title={t`Money`}>
      <Facts
        items={[
          [t`Cost`, usd(cost.usd)],
          [t`Calls`, number(cost.calls)],
          [t`Tokens in`, number(cost.input_tokens)],
          [t`Tokens out`, number(cost.output_tokens)],
        ]}
      />
      {cost.unknown_calls === 0 ? null : (
        <p className="mt-2 text-warn">{t`${count} calls of unknown cost: the sum is a lower bound.`}</p>
      )}
      <Shares
        label={t`By phase`}
        rows={cost.phases.map(({ phase, ...of }) => ({ ...of, key: phase, name: phase }))}
      />
      <Shares
        label={t`By part of the work`}
        rows={parts.map(({ item, title, ...of }) => ({
          ...of,
          key: item ?? "",
          name: item === null ? t`Mending what the gates found` : `${item} ${title ?? ""}`,
        }))}
      />
    </Panel>
  );
}

type Share = { key: string; name: string; usd: number; calls: number };

function Shares({ label, rows }: { label: string; rows: readonly Share[] }) {
  const { t } = useLingui();
  const { usd, count } = useFigures();
  if (rows.length === 0) return null;
  return (
    <table className="mt-4 w-full">
      <caption className="pb-1 text-left font-medium">{label}</caption>
      <thead className="sr-only">
        <tr>
          <th scope="col">{label}</th>
          <th scope="col">{t`Calls`}</th>
          <th scope="col">{t`Cost`}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ key, name, calls, usd: cost }) => (
          <tr key={key} className="border-t border-line align-top">
            <th scope="row" className="py-1 pr-2 text-left font-normal wrap-anywhere">
              {name}
            </th>
            <td className="py-1 pr-2 text-right whitespace-nowrap text-muted">{count(calls)}</td>
            <td className="py-1 text-right whitespace-nowrap">{usd(cost)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
