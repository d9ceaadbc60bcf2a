import { Plural, Trans, useLingui } from "@lingui/react/macro";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Download, ShieldAlert, ShieldCheck } from "lucide-react";
import { addressOf } from "../../api.ts";
import { Button, buttonClass } from "../../ui/button.tsx";
import { Code } from "../../ui/code.tsx";
import { TextField } from "../../ui/field.tsx";
import { PageHeader, Panel } from "../../ui/page.tsx";
import { SearchField } from "../../ui/search-field.tsx";
import { Empty, Problem, Skeleton } from "../../ui/states.tsx";
import { Time } from "../../ui/time.tsx";
import { useConnection } from "../frame/live.tsx";
import { Entries } from "./entries.tsx";
import { type AuditFilters, auditQuery, checkpointQuery, verdictQuery } from "./queries.ts";

const actionExample = "change.applied";

type Props = { filters: AuditFilters; onFilter(filters: AuditFilters): void };

/** Is the chain intact; then everything that was done and refused. */
export function AuditPage({ filters, onFilter }: Props) {
  const { t } = useLingui();
  const query = new URLSearchParams(Object.entries(filters)).toString();
  return (
    <>
      <PageHeader
        title={t`Audit`}
        lead={t`Everything that was done, and everything that was refused. Each entry vouches for all before it.`}
        actions={
          <a
            className={buttonClass()}
            href={`${addressOf("exportAudit")}?${query}`}
            download="ciclo-audit.jsonl"
          >
            <Download size={16} aria-hidden />
            {t`Export as JSON lines`}
          </a>
        }
      />
      <Chain />
      <Panel flush title={t`Entries`} actions={<Tail />}>
        <Filters filters={filters} onFilter={onFilter} />
        <Log filters={filters} onFilter={onFilter} />
      </Panel>
    </>
  );
}

/** Whether entries appear by themselves. */
function Tail() {
  const { t } = useLingui();
  const isLive = useConnection() === "live";
  return (
    <span className="flex items-center gap-1.5 text-muted">
      <span aria-hidden className={`size-2 rounded-full ${isLive ? "bg-ok" : "bg-line-strong"}`} />
      {isLive ? t`Live: new entries appear by themselves` : t`Not live`}
    </span>
  );
}

function Chain() {
  const { t, i18n } = useLingui();
  const verdict = useQuery(verdictQuery);
  const checkpoint = useQuery(checkpointQuery);
  if (verdict.isPending) return <Skeleton rows={1} height={84} />;
  if (verdict.data === undefined)
    return <Problem error={verdict.error} onRetry={() => void verdict.refetch()} />;
  const { ok, events, first_broken: broken } = verdict.data;
  const Icon = ok ? ShieldCheck : ShieldAlert;
  const count = i18n.number(events);
  return (
    <section
      aria-label={t`Chain`}
      className={`flex flex-col gap-3 rounded-xl border-2 bg-surface p-4 ${ok ? "border-line" : "border-bad"}`}
    >
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <Icon size={22} aria-hidden className={ok ? "text-ok" : "text-bad"} />
        <div className="min-w-0 grow" role="status">
          <h2>{ok ? t`The chain is intact` : t`The chain is broken at entry ${broken?.seq ?? 0}`}</h2>
          <p className="wrap-anywhere text-muted">
            {ok
              ? t`${count} entries read, none altered, removed or put in between.`
              : t`${broken?.reason ?? ""}. Keep the database as it is and compare it with your copy of the log.`}
          </p>
        </div>
        <Button busy={verdict.isFetching} onClick={() => void verdict.refetch()}>
          {t`Verify again`}
        </Button>
      </div>
      {checkpoint.data === undefined ? null : (
        <details>
          <summary className="cursor-pointer text-muted">
            <Trans>
              Last checkpoint: <Plural value={checkpoint.data.size} one="# entry" other="# entries" />, signed{" "}
              <Time at={checkpoint.data.signed_at} />
            </Trans>
          </summary>
          <div className="mt-2 flex flex-col gap-2">
            <p className="max-w-prose text-muted">
              {t`Keep this note elsewhere. Whoever alters the log later contradicts it.`}
            </p>
            <Code label={t`Signed checkpoint`}>{checkpoint.data.note}</Code>
            <Code label={t`Verifier key`}>{checkpoint.data.verifier_key}</Code>
          </div>
        </details>
      )}
      {verdict.isError ? <Problem error={verdict.error} /> : null}
      {checkpoint.isError ? <Problem error={checkpoint.error} /> : null}
    </section>
  );
}

/** The instant as a `datetime-local` field shows it, in the browser's zone. */
function toLocal(at: string | undefined): string {
  if (at === undefined) return "";
  const date = new Date(at);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

const fromLocal = (value: string): string => (value === "" ? "" : new Date(value).toISOString());

/** An instant, taken when the field is left or Enter pressed: a year is typed digit by digit. */
function InstantField({
  label,
  at,
  onChange,
}: {
  label: string;
  at: string | undefined;
  onChange(at: string): void;
}) {
  const [typed, setTyped] = useState(toLocal(at));
  const take = (): void => {
    if (typed !== toLocal(at)) onChange(fromLocal(typed));
  };
  return (
    <TextField
      label={label}
      type="datetime-local"
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
      onBlur={take}
      onKeyDown={(event) => {
        if (event.key === "Enter") take();
      }}
    />
  );
}

function Filters({ filters, onFilter }: Props) {
  const { t } = useLingui();
  const set = (name: keyof AuditFilters) => (value: string) => {
    const { [name]: _, ...rest } = filters;
    onFilter(value === "" ? rest : { ...rest, [name]: value });
  };
  return (
    <div className="grid gap-3 border-b border-line p-4 sm:grid-cols-2 lg:grid-cols-5">
      <SearchField
        label={t`Who`}
        value={filters.actor ?? ""}
        onSearch={set("actor")}
        placeholder={t`Exact name`}
      />
      <SearchField
        label={t`Action`}
        value={filters.action ?? ""}
        onSearch={set("action")}
        placeholder={actionExample}
      />
      <SearchField
        label={t`Plan`}
        value={filters.plan_id ?? ""}
        onSearch={set("plan_id")}
        placeholder={t`Plan id`}
      />
      <InstantField key={`from ${filters.from}`} label={t`From`} at={filters.from} onChange={set("from")} />
      <InstantField key={`to ${filters.to}`} label={t`To`} at={filters.to} onChange={set("to")} />
    </div>
  );
}

function Log({ filters, onFilter }: Props) {
  const { t } = useLingui();
  const { data, error, isPending, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } =
    useInfiniteQuery(auditQuery(filters));
  if (isPending)
    return (
      <div className="p-4">
        <Skeleton rows={8} height={44} />
      </div>
    );
  if (data === undefined)
    return (
      <div className="p-4">
        <Problem error={error} onRetry={() => void refetch()} />
      </div>
    );
  const events = data.pages.flatMap(({ items }) => items);
  if (events.length === 0) {
    return (
      <div className="p-4">
        <Empty
          title={t`No entry fits these filters`}
          action={<Button onClick={() => onFilter({})}>{t`Clear filters`}</Button>}
        >
          {t`Names, actions and plans are matched exactly, upper and lower case too; the span runs from the earlier to the later time.`}
        </Empty>
      </div>
    );
  }
  return (
    <>
      <Entries events={events} />
      {hasNextPage ? (
        <div className="border-t border-line p-3">
          <Button busy={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {t`Show older entries`}
          </Button>
        </div>
      ) : null}
    </>
  );
}
