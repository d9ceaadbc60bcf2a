import type { CycleDetail } from "@ciclo/contract";
import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { Facts, Panel } from "../../ui/page.tsx";
import { useFigures } from "../costs/format.ts";

const phaseLabels: Record<string, MessageDescriptor> = {
  analyzer: msg`Analysis`,
  planner: msg`Planning`,
  executor: msg`Execution`,
  doc: msg`Documentation`,
};

const order = Object.keys(phaseLabels);
const inOrder = (phases: CycleDetail["cost"]["phases"]): CycleDetail["cost"]["phases"] =>
  phases.toSorted((a, b) => order.indexOf(a.phase) - order.indexOf(b.phase));

/** Dollars to a hundredth of a cent, all of them alike: what is added up here is seen to add up. */
function useExactUsd(): (value: number) => string {
  const { i18n } = useLingui();
  const format = new Intl.NumberFormat(i18n.locale, {
    style: "currency",
    currency: "USD",
    minimumFractionDigits: 4,
    maximumFractionDigits: 4,
  });
  return (value) => format.format(value);
}

/** What a cycle has used, by the ledger: in all, by phase, and by part of the work. */
export function Money({ cycle: { cost, part_costs: parts } }: { cycle: CycleDetail }) {
  const { t, i18n } = useLingui();
  const { count: number } = useFigures();
  const usd = useExactUsd();
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
        rows={inOrder(cost.phases).map(({ phase, ...of }) => {
          const known = phaseLabels[phase];
          return { ...of, key: phase, name: known === undefined ? phase : i18n._(known) };
        })}
      />
      <Shares
        label={t`By part of the work`}
        rows={parts.map(({ item, title, is_broken_off: isBroken, ...of }) => ({
          ...of,
          key: item ?? String(isBroken),
          name:
            item !== null
              ? `${item} ${title ?? ""}`
              : isBroken
                ? t`Tries that broke off`
                : t`Mending what the gates found`,
        }))}
      />
    </Panel>
  );
}

type Share = { key: string; name: string; usd: number; calls: number };

function Shares({ label, rows }: { label: string; rows: readonly Share[] }) {
  const { t } = useLingui();
  const { count } = useFigures();
  const usd = useExactUsd();
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
