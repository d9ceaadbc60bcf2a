import {
  type Locale,
  text,
  type UsageGroup,
  usageGroups,
  type UsageQuery,
  type UsageReport,
  type UsageSums,
} from "@ciclo/contract";

const moved = (
  { key, cost_usd: now, cost_usd_before: was }: UsageReport["movers"][number],
  locale: Locale,
): string => `${key ?? "—"} ${now < was ? "−" : "+"}${usd(Math.abs(now - was), locale)}`;

/** What a report says, as one HTML page without scripts, that needs no other file and no network. */
export function reportPage(report: UsageReport, query: UsageQuery, locale: Locale): string {
  const { total, before, groups, series, movers } = report;
  const say = (words: keyof typeof texts): string => texts[words][locale];
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const cells = (sums: UsageSums, costBefore: number): string[] => cellsOf(sums, costBefore, locale);
  const heads = "cost before calls input cached output p50 p95 errors refused".split(" ");
  const row = (name: string, values: readonly string[], tag = "td"): string =>
    `<tr><th scope="row">${escaped(name)}</th>${values.map((value) => `<${tag}>${escaped(value)}</${tag}>`).join("")}</tr>`;
  const most = Math.max(...series.map(({ cost_usd }) => cost_usd), 1e-9);
  const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: report.tz });
  const bucket = query.bucket ?? "day";
  const point = new Intl.DateTimeFormat(locale, {
    timeZone: report.tz,
    ...(bucket === "hour"
      ? { dateStyle: "medium", timeStyle: "short" }
      : bucket === "month"
        ? { year: "numeric", month: "long" }
        : { dateStyle: "medium" }),
  });
  const narrowed = usageGroups.flatMap((group) => {
    const value = query[group];
    return value === undefined ? [] : [`${groupNames[group][locale]}: ${value === "" ? "—" : value}`];
  });
  const gaps = [
    ...(total.unpriced_calls > 0 ? [`${say("unpriced")}: ${number.format(total.unpriced_calls)}`] : []),
    ...(total.unknown_calls > 0 ? [`${say("unknown")}: ${number.format(total.unknown_calls)}`] : []),
    ...(total.estimated_calls > 0 ? [`${say("estimated")}: ${number.format(total.estimated_calls)}`] : []),
    ...report.known_gaps.map(({ agent, text: gap }) => `${agent}: ${gap}`),
  ];
  const span = `${day.format(new Date(report.from))} – ${day.format(new Date(Date.parse(report.to) - 1))} (${report.tz})`;
  return `<!doctype html>
<html lang="${locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(`${say("title")} · ${span}`)}</title>
<style>${style}</style>
</head>
<body>
<h1>${say("title")}</h1>
<p>${escaped([span, ...narrowed].join(" · "))}</p>
<p class="sum">${escaped(usd(total.cost_usd, locale))} <small>${say("before")}: ${escaped(usd(before.cost_usd, locale))}</small></p>
${movers.length === 0 ? "" : `<p>${say("movers")}: ${escaped(movers.map((one) => moved(one, locale)).join(", "))}</p>`}
<h2>${groupNames[report.group_by][locale]}</h2>
<div><table><thead><tr><th scope="col">${groupNames[report.group_by][locale]}</th>${heads.map((head) => `<th scope="col">${say(head as keyof typeof texts)}</th>`).join("")}</tr></thead>
<tbody>
${groups.map(({ key, cost_usd_before, ...sums }) => row(key ?? "—", cells(sums, cost_usd_before))).join("\n")}
</tbody>
<tfoot>${row(say("total"), cells(total, before.cost_usd))}</tfoot></table></div>
${gaps.length === 0 ? "" : `<h2>${say("gaps")}</h2>\n<ul>${gaps.map((gap) => `<li>${escaped(gap)}</li>`).join("")}</ul>`}
<h2>${bucketNames[bucket][locale]}</h2>
<table><tbody>
${series
  .map(
    ({ start, cost_usd }) =>
      `<tr><th scope="row">${escaped(point.format(new Date(start)))}</th><td>${escaped(usd(cost_usd, locale))}</td><td class="bar"><i style="width:${((100 * cost_usd) / most).toFixed(1)}%"></i></td></tr>`,
  )
  .join("\n")}
</tbody></table>
</body>
</html>
`;
}

function cellsOf(sums: UsageSums, costBefore: number, locale: Locale): string[] {
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const hasNoPrice = sums.cost_usd === 0 && sums.unpriced_calls + sums.unknown_calls > 0;
  return [
    hasNoPrice ? texts.noPrice[locale] : usd(sums.cost_usd, locale),
    usd(costBefore, locale),
    number.format(sums.calls),
    number.format(sums.input_tokens + sums.cache_write_short_tokens + sums.cache_write_long_tokens),
    number.format(sums.cache_read_tokens),
    number.format(sums.output_tokens),
    ...[sums.p50_ms, sums.p95_ms].map((ms) => (ms === null ? "—" : `${number.format(ms)} ms`)),
    percent(sums.errors, sums.calls, locale),
    percent(sums.refused, sums.calls, locale),
  ];
}

const escapes: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escaped = (said: string): string => said.replace(/[&<>"']/g, (sign) => escapes[sign] ?? sign);

function usd(value: number, locale: Locale): string {
  const isSmall = value !== 0 && Math.abs(value) < 0.01;
  return new Intl.NumberFormat(locale, {
    style: "currency",
    currency: "USD",
    ...(isSmall ? { maximumSignificantDigits: 2 } : {}),
  }).format(value);
}

const percent = (part: number, all: number, locale: Locale): string =>
  all === 0
    ? "—"
    : new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 }).format(part / all);

const texts = {
  title: text("Costs", "Custos"),
  before: text("window before", "período anterior"),
  movers: text("Changed most", "O que mais mudou"),
  cost: text("Cost", "Custo"),
  calls: text("Calls", "Chamadas"),
  input: text("Tokens in", "Tokens de entrada"),
  cached: text("From cache", "Do cache"),
  output: text("Tokens out", "Tokens de saída"),
  p50: text("p50", "p50"),
  p95: text("p95", "p95"),
  errors: text("Errors", "Erros"),
  refused: text("Refused", "Recusadas"),
  total: text("Total", "Total"),
  gaps: text("What the sum leaves out", "O que a soma não inclui"),
  unpriced: text("Calls without a known price", "Chamadas sem preço conhecido"),
  unknown: text("Calls of unknown use", "Chamadas de uso desconhecido"),
  estimated: text("Calls whose tokens are estimated", "Chamadas com tokens estimados"),
  noPrice: text("no price", "sem preço"),
};

const bucketNames = {
  hour: text("By hour", "Por hora"),
  day: text("By day", "Por dia"),
  week: text("By week, from its Monday", "Por semana, a partir da segunda-feira"),
  month: text("By month", "Por mês"),
};

const groupNames: Record<UsageGroup, { en: string; "pt-BR": string }> = {
  server: text("Server", "Servidor"),
  tool: text("Tool", "Ferramenta"),
  provider: text("Provider", "Provedor"),
  model: text("Model", "Modelo"),
  person: text("Person", "Pessoa"),
  agent: text("Agent", "Agente"),
  run: text("Run", "Execução"),
  phase: text("Phase", "Fase"),
  pull_request: text("Pull request", "Pull request"),
  sprint: text("Sprint", "Sprint"),
  kind: text("Kind", "Tipo"),
  source: text("Source", "Fonte"),
};

const style = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#171a1f;background:#fff}
h1{font-size:1.5rem;margin-bottom:0}h2{font-size:1.1rem;margin-top:2rem}.sum{font-size:2rem;font-weight:650;margin:.5rem 0}
small{font-size:1rem;font-weight:400;color:#565e6b}div{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .6rem;border-bottom:1px solid #d9dde3;text-align:right;white-space:nowrap}th:first-child{text-align:left;font-weight:500;white-space:normal;overflow-wrap:anywhere}
thead th{color:#565e6b;font-weight:500}tfoot th,tfoot td{font-weight:650}.bar{width:60%}.bar i{display:block;height:.8rem;background:#3450c4;border-radius:2px}
@media (prefers-color-scheme:dark){body{color:#e7eaef;background:#0e1115}th,td{border-color:#2b323d}small,thead th{color:#a0a9b6}.bar i{background:#8ea5ff}}`;
