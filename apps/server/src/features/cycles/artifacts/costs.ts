import { type CycleCost, type Execution, type Locale, type PartCost, text } from "@ciclo/contract";
import { document, heading, inline, table } from "./markdown.ts";

/**
 * What each part of the work used in all tries together, in the order of the parts; what was mended behind them; and what is in the
 * ledger of the executor beside that, since a try broke off. Pure.
 */
export function partCosts(
  executions: readonly Pick<Execution, "turns">[],
  items: readonly { id: string; title: string }[],
  { phases }: Pick<CycleCost, "phases">,
): PartCost[] {
  const sums = new Map<string | null, PartCost>();
  const titles = new Map(items.map(({ id, title }) => [id, title]));
  for (const { item, ...used } of executions.flatMap(({ turns }) => turns)) {
    const known = sums.get(item) ?? {
      item,
      title: item === null ? null : (titles.get(item) ?? null),
      is_broken_off: false,
      turns: 0,
      ms: 0,
      calls: 0,
      input_tokens: 0,
      output_tokens: 0,
      usd: 0,
      unknown_calls: 0,
    };
    sums.set(item, {
      ...known,
      turns: known.turns + 1,
      ms: known.ms + used.ms,
      calls: known.calls + used.calls,
      input_tokens: known.input_tokens + used.input_tokens,
      output_tokens: known.output_tokens + used.output_tokens,
      usd: known.usd + used.usd,
      unknown_calls: known.unknown_calls + used.unknown_calls,
    });
  }
  const order = [...items.map(({ id }): string | null => id), null];
  const placed = order.flatMap((item) => sums.get(item) ?? []);
  // Of a plan that was sent back later, parts may be gone that were paid for.
  const known = [...placed, ...[...sums.values()].filter(({ item }) => !order.includes(item))];
  return [...known, ...brokenOff(known, phases)];
}

function brokenOff(known: readonly PartCost[], phases: CycleCost["phases"]): PartCost[] {
  const executor = phases.find(({ phase }) => phase === "executor");
  if (executor === undefined) return [];
  const left = (field: "calls" | "input_tokens" | "output_tokens" | "usd" | "unknown_calls"): number =>
    Math.max(0, executor[field] - known.reduce((sum, part) => sum + part[field], 0));
  if (left("calls") === 0) return [];
  return [
    {
      item: null,
      title: null,
      is_broken_off: true,
      turns: 0,
      ms: 0,
      calls: left("calls"),
      input_tokens: left("input_tokens"),
      output_tokens: left("output_tokens"),
      usd: left("usd"),
      unknown_calls: left("unknown_calls"),
    },
  ];
}

/** What a cycle used, by phase and by part of the work, as Markdown. Pure. */
export function renderCosts(cost: CycleCost, parts: readonly PartCost[], locale: Locale): string {
  const number = new Intl.NumberFormat(locale);
  const usd = (value: number, unknown: number): string =>
    `${unknown > 0 ? "≥ " : ""}${new Intl.NumberFormat(locale, { minimumFractionDigits: 4, maximumFractionDigits: 4 }).format(value)}`;
  const cells = (of: Omit<CycleCost, "phases">): string[] => [
    number.format(of.calls),
    number.format(of.input_tokens),
    number.format(of.output_tokens),
    usd(of.usd, of.unknown_calls),
  ];
  const heads = [words.calls, words.input, words.output, words.usd].map((word) => word[locale]);
  return document(
    heading(1, words.costs[locale]),
    words.lead[locale],
    table(
      [words.phase[locale], ...heads, words.usual[locale]],
      [
        ...cost.phases.map(({ phase, p50_ms: ms, ...of }) => [
          inline(phase),
          ...cells(of),
          ms === null ? "" : `${number.format(Math.round(ms))} ms`,
        ]),
        [`**${words.total[locale]}**`, ...cells(cost), ""],
      ],
    ),
    ...(parts.length === 0
      ? []
      : [
          heading(2, words.parts[locale]),
          table(
            [words.part[locale], ...heads, words.time[locale]],
            parts.map(({ item, title, is_broken_off: isBroken, ms, ...of }) => [
              item === null
                ? words[isBroken ? "broken" : "mending"][locale]
                : `${item} ${inline(title ?? "")}`.trimEnd(),
              ...cells(of),
              `${number.format(Math.round(ms / 100) / 10)} s`,
            ]),
          ),
        ]),
  );
}

const words = {
  costs: text("Costs", "Custos"),
  lead: text(
    "By the ledger of the console, which counts at the wire, up to the moment when this was written.",
    "Pelo livro-razão da console, que conta na rede, até o momento em que isto foi escrito.",
  ),
  phase: text("Phase", "Fase"),
  calls: text("Calls", "Chamadas"),
  input: text("Tokens in", "Tokens de entrada"),
  output: text("Tokens out", "Tokens de saída"),
  usd: text("USD", "USD"),
  usual: text("Usual call", "Chamada usual"),
  total: text("Total", "Total"),
  parts: text("By part of the work", "Por parte do trabalho"),
  part: text("Part", "Parte"),
  time: text("Time of the agent", "Tempo do agente"),
  broken: text("Tries that broke off", "Tentativas interrompidas"),
  mending: text("Mending what the gates found", "Correção do que os gates acharam"),
};
