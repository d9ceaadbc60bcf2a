import type { RunToken } from "@ciclo/contract";
import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { call } from "../../api.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Panel } from "../../ui/page.tsx";
import { Problem } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { Time } from "../../ui/time.tsx";
import { useToast } from "../../ui/toast.tsx";
import { runTokensQuery } from "./queries.ts";

/** Live tokens of runs: one's own, and everybody's for an admin. Not there while there is none. */
export function RunTokens() {
  const { t } = useLingui();
  const { data, error, refetch } = useQuery(runTokensQuery);
  const [ending, setEnding] = useState<RunToken | null>(null);
  const columns = useColumns(setEnding);
  if (error === null && (data === undefined || data.items.length === 0)) return null;
  return (
    <Panel flush title={t`Tokens of runs`}>
      <p className="border-b border-line p-4 text-muted">
        <Trans>
          They call models and tools for a run, as the person who made them, and nothing else. Made with{" "}
          <code>ciclo run-token create</code>.
        </Trans>
      </p>
      {error === null ? null : (
        <div className="p-4">
          <Problem error={error} onRetry={() => void refetch()} />
        </div>
      )}
      {data === undefined ? null : (
        <Table label={t`Tokens of runs`} columns={columns} rows={data.items} keyOf={({ id }) => id} />
      )}
      {ending === null ? null : <EndRunToken token={ending} onClose={() => setEnding(null)} />}
    </Panel>
  );
}

function useColumns(end: (token: RunToken) => void): Column<RunToken>[] {
  const { t } = useLingui();
  return useMemo(
    () => [
      {
        id: "run",
        header: t`Run`,
        value: ({ run }) => run,
        cell: ({ run, phase, pull_request, sprint, agent }) => (
          <>
            <div className="font-medium wrap-anywhere">{run}</div>
            <div className="wrap-anywhere text-muted">
              {[phase, pull_request, sprint, agent].filter((part) => part !== null).join(" · ")}
            </div>
          </>
        ),
      },
      { id: "user", header: t`Acts as`, value: ({ user }) => user.name, cell: ({ user }) => user.name },
      {
        id: "ends",
        header: t`Ends`,
        className: "text-muted",
        value: ({ expires_at }) => expires_at,
        cell: ({ expires_at }) => <Time at={expires_at} />,
      },
      {
        id: "actions",
        header: "",
        className: "w-28 text-right max-sm:ml-auto",
        cell: (token) => (
          <Button
            small
            aria-label={t`End the token of ${token.run}`}
            onClick={() => end(token)}
          >{t`End…`}</Button>
        ),
      },
    ],
    [t, end],
  );
}

function EndRunToken({ token, onClose }: { token: RunToken; onClose(): void }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const toast = useToast();
  const { run, user } = token;
  const { name } = user;
  const end = useMutation({
    mutationFn: () => call("endRunToken", { params: { id: token.id } }),
    async onSuccess() {
      toast(t`The token of ${run} has ended`);
      onClose();
      await client.invalidateQueries({ queryKey: runTokensQuery.queryKey });
    },
  });
  return (
    <Dialog
      open
      insistent={end.isPending}
      onOpenChange={(open) => open || onClose()}
      title={t`End the token of ${run}?`}
      actions={
        <>
          <Button busy={end.isPending} onClick={onClose}>{t`Cancel`}</Button>
          <Button look="danger" busy={end.isPending} onClick={() => end.mutate()}>{t`End the token`}</Button>
        </>
      }
    >
      <p>{t`What runs with it as ${name} reaches no model and no tool from now on. Answers that stream are cut off.`}</p>
      {end.isError ? <Problem error={end.error} /> : null}
    </Dialog>
  );
}
