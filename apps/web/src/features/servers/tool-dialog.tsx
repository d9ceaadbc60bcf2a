import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Suspense } from "react";
import { Button } from "../../ui/button.tsx";
import { Code } from "../../ui/code.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { lazily } from "../../ui/lazily.ts";
import { Note, Problem, Skeleton } from "../../ui/states.tsx";
import { ToolBadge } from "./labels.tsx";
import { patchOf } from "./patch.ts";
import { toolQuery } from "./queries.ts";

const DiffView = lazily(async () => (await import("../../ui/diff.tsx")).DiffView);

/** A tool's definition as approved against the one offered now. */
export function ToolDialog({
  serverId,
  tool,
  onAccept,
  blocked,
  onClose,
}: {
  serverId: string;
  tool: string;
  onAccept(): void;
  blocked: string | null;
  onClose(): void;
}) {
  const { t } = useLingui();
  const { data, error, isPending, refetch } = useQuery(toolQuery(serverId, tool));
  const isOpen =
    data?.state === "new" || data?.state === "changed" || data?.state === "missing" || data?.partial === true;
  return (
    <Dialog
      open
      wide
      onOpenChange={(open) => open || onClose()}
      title={tool}
      description={data?.reason ?? undefined}
      actions={
        <>
          <Button onClick={onClose}>{t`Close`}</Button>
          {isOpen ? (
            <Button look="primary" blocked={blocked} onClick={onAccept}>
              {t`Plan to accept it…`}
            </Button>
          ) : null}
        </>
      }
    >
      {isPending ? <Skeleton rows={1} height={200} /> : null}
      {error === null ? null : <Problem error={error} onRetry={() => void refetch()} />}
      {data === undefined ? null : (
        <>
          <p>
            <ToolBadge state={data.state} />
          </p>
          {data.state === "changed" ? (
            <Note tone="warn">
              {t`A description is an instruction to whoever calls the tool. Read what changed as you would read code.`}
            </Note>
          ) : null}
          {data.approved !== null && data.offered !== null && data.approved !== data.offered ? (
            <Suspense fallback={<Skeleton rows={1} height={200} />}>
              <DiffView patch={patchOf(tool, data.approved, data.offered)} />
            </Suspense>
          ) : (
            <Code label={t`Definition`}>{data.offered ?? data.approved ?? t`It is not known any more.`}</Code>
          )}
        </>
      )}
    </Dialog>
  );
}
