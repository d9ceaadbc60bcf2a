import { useLingui } from "@lingui/react/macro";
import { useInfiniteQuery } from "@tanstack/react-query";
import { ButtonLink } from "../../ui/button.tsx";
import { Panel } from "../../ui/page.tsx";
import { Problem, Skeleton } from "../../ui/states.tsx";
import { Entries } from "./entries.tsx";
import { auditQuery } from "./queries.ts";

/** What the log holds on one plan, newest first. */
export function PlanEntries({ planId }: { planId: string }) {
  const { t } = useLingui();
  const { data, error, isPending, refetch } = useInfiniteQuery(auditQuery({ plan_id: planId }));
  if (isPending) return <Skeleton rows={4} height={44} />;
  if (data === undefined) return <Problem error={error} onRetry={() => void refetch()} />;
  return (
    <div className="flex flex-col items-start gap-3">
      <div className="w-full">
        <Panel flush>
          <Entries events={data.pages.flatMap(({ items }) => items)} />
        </Panel>
      </div>
      <ButtonLink small to="/audit" search={{ plan_id: planId }}>
        {t`Open in the audit log`}
      </ButtonLink>
    </div>
  );
}
