import { type McpClient, mcpClients } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Code, Mono } from "../../ui/code.tsx";
import { SelectField } from "../../ui/field.tsx";
import { Panel } from "../../ui/page.tsx";
import { Note, Problem, Skeleton } from "../../ui/states.tsx";
import { recall, remember } from "../../storage.ts";
import { clientNames } from "./labels.tsx";
import { clientQuery } from "./queries.ts";

const storedClient = (): McpClient =>
  mcpClients.find((client) => client === recall("client")) ?? "claude-code";

/** What to put into an IDE so that it reaches the gateway: all servers as one, or one by itself. */
export function ClientConfiguration({ server }: { server: string | null }) {
  const { t } = useLingui();
  const [client, setClient] = useState(storedClient);
  const { data, error, isPending, refetch } = useQuery(clientQuery(client, server));
  return (
    <Panel title={t`Connect an IDE`}>
      <div className="flex flex-col gap-3">
        <div className="max-w-72">
          <SelectField
            label={t`Client`}
            value={client}
            onChange={(event) => {
              const next = mcpClients.find((each) => each === event.target.value) ?? "claude-code";
              remember("client", next);
              setClient(next);
            }}
            options={mcpClients.map((value) => ({ value, label: clientNames[value] }))}
          />
        </div>
        {isPending ? <Skeleton rows={1} height={180} /> : null}
        {error === null ? null : <Problem error={error} onRetry={() => void refetch()} />}
        {data === undefined ? null : (
          <>
            <p className="text-muted">
              {t`Goes to`} <Mono>{data.path}</Mono>
            </p>
            <Code label={t`Client configuration`}>{data.contents.trimEnd()}</Code>
            {data.notes.map((note) => (
              <Note key={note}>{note}</Note>
            ))}
          </>
        )}
      </div>
    </Panel>
  );
}
