import { type Locale, type Reconciliation, type Text, text } from "@ciclo/contract";
import type { Charge } from "./charges-store.ts";
import type { InvoiceLine } from "./invoice-csv.ts";
import { gapsOf, type ToldBy } from "./known-gaps.ts";

/** A difference that is only rounding: providers round to cents, some of them each line. */
const roundingUsd = 0.01;
const roundingShare = 0.002;

type Side = {
  nano: number;
  calls: number;
  unpriced: number;
  unknown: number;
  estimated: number;
  /** Calls that no wire saw, by agent, and whose word they are. */
  reported: Map<string, { calls: number; toldBy: Set<ToldBy> }>;
};

/** An invoice beside the ledger's charges of its provider and time: by model, with what may explain a difference. Pure. */
export function reconciled(
  charges: readonly Charge[],
  lines: readonly InvoiceLine[],
  locale: Locale,
): Pick<Reconciliation, "models" | "total"> {
  const ledger = new Map<string, Side>();
  for (const charge of charges) addTo(ledger, charge);
  const invoice = new Map<string, number>();
  for (const { model, usd } of lines) {
    const name = nameIn(ledger, model);
    invoice.set(name, (invoice.get(name) ?? 0) + usd);
  }
  const models = [...new Set([...ledger.keys(), ...invoice.keys()])].map((model) => {
    const side = ledger.get(model) ?? nothing();
    const billed = invoice.get(model);
    return {
      model,
      ...figures(side, billed ?? 0),
      reasons: reasonsFor(side, billed).map((one) => one[locale]),
    };
  });
  const all = nothing();
  for (const charge of charges) add(all, charge);
  const invoiced = lines.reduce((sum, { usd }) => sum + usd, 0);
  return {
    models: models.toSorted((a, b) => Math.abs(b.difference_usd) - Math.abs(a.difference_usd)),
    total: figures(all, invoiced),
  };
}

const nothing = (): Side => ({
  nano: 0,
  calls: 0,
  unpriced: 0,
  unknown: 0,
  estimated: 0,
  reported: new Map(),
});

function addTo(sides: Map<string, Side>, charge: Charge): void {
  const model = charge.model ?? "—";
  const side = sides.get(model) ?? nothing();
  add(side, charge);
  sides.set(model, side);
}

function add(side: Side, charge: Charge): void {
  side.nano += charge.cost_nano_usd;
  side.calls += charge.calls;
  side.unpriced += charge.unpriced;
  side.unknown += charge.unknown;
  side.estimated += charge.estimated;
  if (charge.source !== "log" && charge.source !== "otlp") return;
  const agent = charge.agent ?? "—";
  const known = side.reported.get(agent) ?? { calls: 0, toldBy: new Set() };
  known.calls += charge.calls;
  known.toldBy.add(charge.source);
  side.reported.set(agent, known);
}

/** The ledger's name for a model of an invoice: with or without the date of its edition. */
function nameIn(ledger: ReadonlyMap<string, Side>, model: string): string {
  if (ledger.has(model)) return model;
  const plain = withoutDate(model);
  return [...ledger.keys()].find((name) => withoutDate(name) === plain) ?? model;
}

const withoutDate = (model: string): string =>
  model.toLowerCase().replace(/[-@](?:\d{8}|\d{4}-\d{2}-\d{2}|latest)$/, "");

const figures = (side: Side, invoiced: number) => ({
  ledger_usd: side.nano / 1e9,
  invoice_usd: invoiced,
  difference_usd: invoiced - side.nano / 1e9,
  calls: side.calls,
  unpriced_calls: side.unpriced,
  unknown_calls: side.unknown,
  estimated_calls: side.estimated,
});

function reasonsFor(side: Side, billed: number | undefined): Text[] {
  const difference = (billed ?? 0) - side.nano / 1e9;
  const most = Math.max(roundingUsd, roundingShare * Math.abs(billed ?? 0));
  if (billed !== undefined && Math.abs(difference) <= most) return [];
  const reasons: Text[] = [];
  const say = (count: number, en: string, ptBR: string): void => {
    if (count > 0) reasons.push(text(`${count} ${en}`, `${count} ${ptBR}`));
  };
  if (billed !== undefined && side.calls === 0)
    reasons.push(
      text(
        "Not in the ledger: calls that did not pass the console, or a model that it knows by another name.",
        "Não está no livro-razão: chamadas que não passaram pela console, ou um modelo que ela conhece por outro nome.",
      ),
    );
  if (billed === undefined)
    reasons.push(
      text(
        "Not on the invoice: another account or period, credits, or a provider that names the model otherwise.",
        "Não está na fatura: outra conta ou período, créditos, ou um provedor que nomeia o modelo de outro modo.",
      ),
    );
  say(
    side.unpriced,
    "calls have no known price, and count as nothing here.",
    "chamadas não têm preço conhecido e aqui contam como nada.",
  );
  say(
    side.unknown,
    "calls of unknown use: cut off, or lost with their console.",
    "chamadas de uso desconhecido: interrompidas, ou perdidas com a sua console.",
  );
  say(
    side.estimated,
    "calls were estimated: their provider did not tell what they used.",
    "chamadas foram estimadas: o provedor não disse o que usaram.",
  );
  for (const [agent, { calls, toldBy }] of side.reported) {
    const gaps = gapsOf(agent, [...toldBy]);
    reasons.push(
      text(
        [`${calls} calls are known only from ${agent} itself.`, ...gaps.map(({ en }) => en)].join(" "),
        [
          `${calls} chamadas só são conhecidas pelo próprio ${agent}.`,
          ...gaps.map((gap) => gap["pt-BR"]),
        ].join(" "),
      ),
    );
  }
  if (reasons.length === 0)
    reasons.push(
      text(
        "Every call passed the console and has a price: compare the price with your contract (discounts, tiers, taxes), and the period with the invoice's (UTC).",
        "Todas as chamadas passaram pela console e têm preço: compare o preço com o seu contrato (descontos, níveis, impostos) e o período com o da fatura (UTC).",
      ),
    );
  return reasons;
}
