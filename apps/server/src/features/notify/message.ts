import { type AuditEvent, type Locale, type PolicyOf, text, type Text } from "@ciclo/contract";

export type Webhook = PolicyOf<"notify">["webhooks"][number];

/** What a webhook is sent of an entry of the audit log. Pure. */
export function bodyOf(
  { format, language }: Webhook,
  event: AuditEvent,
  publicUrl: string | undefined,
): string {
  const said = sentenceOf(event)[language];
  const page = publicUrl === undefined ? null : `${publicUrl}/${pageOf(event.action)}`;
  if (format === "slack")
    return JSON.stringify({ text: page === null ? slackText(said) : `${slackText(said)}\n<${page}|Ciclo>` });
  const { id, seq, at, actor_name, action, resource, status, plan_id, metadata } = event;
  return JSON.stringify({
    id,
    seq,
    at,
    action,
    resource,
    status,
    actor: actor_name,
    plan_id,
    text: said,
    url: page,
    metadata,
  });
}

/** Slack reads these three signs as its own. */
const slackText = (said: string): string =>
  said.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const pageOf = (action: string): string =>
  /^(?:budget|run)\./.test(action) ? "costs" : action.startsWith("key.") ? "keys" : "audit";

function sentenceOf(event: AuditEvent): Text {
  const { action, resource, status, actor_name: actor, metadata } = event;
  if (action === "budget.alert" || action === "budget.exceeded") return budgetSentence(resource, metadata);
  if (action === "run.paused") return pauseSentence(resource, metadata);
  return text(`${actor}: ${action} ${resource} (${status})`, `${actor}: ${action} ${resource} (${status})`);
}

function wordIn(metadata: Record<string, unknown>, name: string): string {
  const value = metadata[name];
  return typeof value === "string" ? value : "";
}

/** In what a limit counts. */
function amountIn(metadata: Record<string, unknown>, name: "spent" | "of", locale: Locale): string {
  return metadata[`${name}_usd`] === undefined
    ? `${new Intl.NumberFormat(locale).format(Number(metadata[`${name}_tokens`]))} tokens`
    : usd(Number(metadata[`${name}_usd`]), locale);
}

/** What is under a cent keeps two digits, so that it is not told as nothing. */
const usd = (amount: number, locale: Locale): string =>
  new Intl.NumberFormat(locale, {
    style: "currency",
    currency: "USD",
    ...(amount !== 0 && Math.abs(amount) < 0.01 ? { maximumSignificantDigits: 2 } : {}),
  }).format(amount);

function pauseSentence(resource: string, metadata: Record<string, unknown>): Text {
  const said = (name: string): string => wordIn(metadata, name);
  const run = resource.replace(/^run:/, "");
  const where = `${said("policy")} ${said("limit")}`;
  const amount = (name: "spent" | "of", locale: Locale): string => amountIn(metadata, name, locale);
  return text(
    `The run ${run} of ${said("user")} is paused: budget ${where}, ${amount("spent", "en")} of ${amount("of", "en")} are spent. Raise its limit, re-route it or stop it: ${said("decide_at")}`,
    `A execução ${run} de ${said("user")} está pausada: orçamento ${where}, ${amount("spent", "pt-BR")} de ${amount("of", "pt-BR")} gastos. Aumente o limite, desvie-a ou encerre-a: ${said("decide_at")}`,
  );
}

function budgetSentence(resource: string, metadata: Record<string, unknown>): Text {
  const said = (name: string): string => wordIn(metadata, name);
  const amount = (name: "spent" | "of", locale: Locale): string => amountIn(metadata, name, locale);
  const policy = resource.replace(/^policy:/, "");
  const whose = metadata["holder"] === undefined ? "" : ` (${said("holder")})`;
  const percent = Number((100 * Number(metadata["part"] ?? 0)).toPrecision(3));
  const where = `${policy} ${said("limit")}${whose}`;
  const beyond =
    metadata["part"] === 1 && metadata["on_exceeded"] !== "warn"
      ? text(" Calls beyond it are refused.", " Chamadas além dele são recusadas.")
      : text("", "");
  return text(
    `Budget ${where}: ${percent} % are reached, ${amount("spent", "en")} of ${amount("of", "en")}.${beyond.en}`,
    `Orçamento ${where}: ${percent}% atingidos, ${amount("spent", "pt-BR")} de ${amount("of", "pt-BR")}.${beyond["pt-BR"]}`,
  );
}
