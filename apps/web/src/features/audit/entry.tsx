import type { AuditEvent } from "@ciclo/contract";
import { msg } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { Badge } from "../../ui/badge.tsx";
import { Code, Mono } from "../../ui/code.tsx";
import { Facts } from "../../ui/page.tsx";
import { Time } from "../../ui/time.tsx";

const looks = {
  succeeded: { tone: "ok", icon: "done", label: msg`Succeeded` },
  refused: { tone: "warn", icon: "stopped", label: msg`Refused` },
  failed: { tone: "bad", icon: "failed", label: msg`Failed` },
} as const;

export function EntryBadge({ status }: Pick<AuditEvent, "status">) {
  const { i18n } = useLingui();
  const { tone, icon, label } = looks[status];
  return (
    <Badge tone={tone} icon={icon}>
      {i18n._(label)}
    </Badge>
  );
}

/** Everything that an entry of the log says, with what links it to the one before. */
export function EntryDetail({ event }: { event: AuditEvent }) {
  const { t } = useLingui();
  return (
    <div className="flex flex-col gap-4">
      <Facts
        items={[
          [t`When`, <Time key="at" at={event.at} exact />],
          [t`Who`, event.actor_name],
          [t`Roles then`, event.actor_roles.join(", ") || t`none`],
          [t`Action`, <Mono key="action">{event.action}</Mono>],
          [t`On`, <Mono key="resource">{event.resource}</Mono>],
          event.plan_id === null
            ? null
            : [
                t`Plan`,
                <Link key="plan" to="/changes/$planId" params={{ planId: event.plan_id }}>
                  {event.plan_id}
                </Link>,
              ],
          [t`Hash`, <Mono key="hash">{event.hash}</Mono>],
          [t`Hash of the entry before`, <Mono key="prev">{event.prev_hash}</Mono>],
        ]}
      />
      <Code label={t`Recorded with it`}>{JSON.stringify(event.metadata, null, 2)}</Code>
    </div>
  );
}
