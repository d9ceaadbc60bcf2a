import { type Imported, type McpClient, mcpClients, ProblemError } from "@ciclo/contract";
import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../api.ts";
import { codeOf } from "../../problems.ts";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Code, Mono } from "../../ui/code.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { SelectField, TextArea } from "../../ui/field.tsx";
import { Note, Problem } from "../../ui/states.tsx";
import { PlanCard } from "../assistant/plan-card.tsx";
import { clientNames } from "./labels.tsx";

/** An `mcp.json` with plain keys becomes a plan without any, and a file that points to the gateway. */
export function ImportDialog({ onClose }: { onClose(): void }) {
  const { t } = useLingui();
  const [client, setClient] = useState<McpClient>("cursor");
  const [contents, setContents] = useState("");
  const take = useMutation({
    mutationFn: () => call("importServers", { body: { client, contents } }),
    gcTime: 0,
  });
  const errors = take.error instanceof ProblemError ? (take.error.problem.errors ?? []) : [];
  const problem = errors.map(({ path, message }) => `${path}: ${message}`).join("; ");
  return (
    <Dialog
      open
      wide
      insistent={contents !== "" && take.data === undefined}
      onOpenChange={(open) => open || onClose()}
      title={t`Import a client's servers`}
      description={t`Keys move to the store and are not shown again. One plan registers what policy allows.`}
      actions={
        take.data === undefined ? (
          <>
            <Button onClick={onClose}>{t`Cancel`}</Button>
            <Button
              look="primary"
              busy={take.isPending}
              blocked={contents === "" ? t`Paste the file first` : null}
              onClick={() => take.mutate()}
            >
              {t`Shake hands and plan`}
            </Button>
          </>
        ) : (
          <Button onClick={onClose}>{t`Close`}</Button>
        )
      }
    >
      {take.data === undefined ? (
        <>
          <SelectField
            label={t`Client`}
            value={client}
            onChange={(event) =>
              setClient(mcpClients.find((each) => each === event.target.value) ?? "cursor")
            }
            options={mcpClients.map((value) => ({ value, label: clientNames[value] }))}
          />
          <TextArea
            label={t`Its file`}
            rows={10}
            spellCheck={false}
            className="font-mono text-[0.93rem]"
            value={contents}
            problem={codeOf(take.error) === "invalid_payload" ? problem : undefined}
            onChange={(event) => setContents(event.target.value)}
            placeholder={`{ "mcpServers": { … } }`}
          />
          {take.isError && codeOf(take.error) !== "invalid_payload" ? <Problem error={take.error} /> : null}
        </>
      ) : (
        <Taken answer={take.data} onPlanAgain={() => take.mutate()} isPlanning={take.isPending} />
      )}
    </Dialog>
  );
}

function Taken({
  answer,
  onPlanAgain,
  isPlanning,
}: {
  answer: Imported;
  onPlanAgain(): void;
  isPlanning: boolean;
}) {
  const { t } = useLingui();
  const { servers, planned, rewritten } = answer;
  return (
    <>
      <ul className="flex flex-col gap-2">
        {servers.map(({ name, id, outcome, reason, keys }) => (
          <li key={name} className="flex flex-col gap-1 rounded-lg border border-line px-3 py-2">
            <span className="flex flex-wrap items-center gap-2">
              <Badge
                tone={outcome === "planned" ? "ok" : "warn"}
                icon={outcome === "planned" ? "done" : "stopped"}
              >
                {outcome === "planned" ? t`Planned` : t`Left out`}
              </Badge>
              <span className="font-medium wrap-anywhere">{name}</span>
              <Mono>{id}</Mono>
            </span>
            {keys.length === 0 ? null : (
              <span className="wrap-anywhere text-muted">
                <Trans>
                  Keys: <Mono>{keys.join(", ")}</Mono>
                </Trans>
              </span>
            )}
            {reason === null ? null : <span className="wrap-anywhere text-warn">{reason}</span>}
          </li>
        ))}
      </ul>
      {planned === null ? (
        <Note tone="warn">{t`Nothing is left to plan.`}</Note>
      ) : (
        <PlanCard
          plan={planned.plan}
          patch={planned.patch}
          preview={planned.preview}
          threadId={null}
          onPlanAgain={onPlanAgain}
          isPlanning={isPlanning}
        />
      )}
      <section className="flex flex-col gap-2">
        <h3>{t`The file, pointing to the gateway`}</h3>
        <p className="text-muted">
          {t`Goes to`} <Mono>{rewritten.path}</Mono>
        </p>
        <Code label={t`Client configuration`}>{rewritten.contents.trimEnd()}</Code>
        {rewritten.notes.map((note) => (
          <Note key={note}>{note}</Note>
        ))}
      </section>
    </>
  );
}
