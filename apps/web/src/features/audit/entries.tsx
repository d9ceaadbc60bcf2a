import type { AuditEvent } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useMemo, useState } from "react";
import { Mono } from "../../ui/code.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { type Column, rowLink, Table } from "../../ui/table.tsx";
import { Time } from "../../ui/time.tsx";
import { EntryBadge, EntryDetail } from "./entry.tsx";

/** Entries of the log; each opens. */
export function Entries({ events }: { events: readonly AuditEvent[] }) {
  const { t } = useLingui();
  const [opened, setOpened] = useState<AuditEvent | null>(null);
  const columns = useMemo<Column<AuditEvent>[]>(
    () => [
      {
        id: "seq",
        header: t`No.`,
        className: "w-16 text-muted max-sm:hidden!",
        cell: ({ seq }) => seq,
      },
      {
        id: "action",
        header: t`Action`,
        className: "max-sm:w-full",
        cell: (event) => (
          <>
            <button
              type="button"
              {...rowLink}
              onClick={() => setOpened(event)}
              className="text-left font-medium hover:underline"
            >
              <Mono>{event.action}</Mono>
            </button>
            <div className="text-muted">
              <Mono>{event.resource}</Mono>
            </div>
          </>
        ),
      },
      { id: "status", header: t`Result`, cell: (event) => <EntryBadge status={event.status} /> },
      {
        id: "actor",
        header: t`Who`,
        className: "max-w-48",
        cell: ({ actor_name }) => <span className="wrap-anywhere">{actor_name}</span>,
      },
      { id: "at", header: t`When`, className: "text-muted", cell: ({ at }) => <Time at={at} /> },
    ],
    [t],
  );
  return (
    <>
      <Table label={t`Audit entries`} columns={columns} rows={events} keyOf={({ id }) => id} />
      {opened === null ? null : (
        <Dialog open wide title={t`Entry ${opened.seq}`} onOpenChange={(open) => open || setOpened(null)}>
          <EntryDetail event={opened} />
        </Dialog>
      )}
    </>
  );
}
