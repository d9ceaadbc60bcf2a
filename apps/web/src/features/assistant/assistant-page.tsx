import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { ButtonLink } from "../../ui/button.tsx";
import { useTitle } from "../../ui/page.tsx";
import { Problem, Skeleton } from "../../ui/states.tsx";
import { Time } from "../../ui/time.tsx";
import { Conversation } from "./conversation.tsx";
import { threadsQuery } from "./queries.ts";

/** The conversation that turns words into plans, with earlier ones beside it. */
export function AssistantPage({
  threadId,
  say,
  onThread,
}: {
  threadId: string | null;
  /** What to begin with in the field. */
  say: string | undefined;
  onThread(threadId: string): void;
}) {
  const { t } = useLingui();
  useTitle(t`Assistant`);
  return (
    <div className="grid items-start gap-5 lg:grid-cols-[14rem_minmax(0,1fr)]">
      <Threads current={threadId} />
      <div className="flex min-w-0 flex-col gap-5 lg:col-start-2 lg:row-start-1">
        <h1>{t`Assistant`}</h1>
        <Conversation
          key={threadId ?? `new ${say ?? ""}`}
          threadId={threadId}
          say={say}
          onThread={onThread}
        />
      </div>
    </div>
  );
}

function Threads({ current }: { current: string | null }) {
  const { t } = useLingui();
  const { data, error, isPending, refetch } = useQuery(threadsQuery);
  return (
    <aside aria-label={t`Conversations`} className="flex flex-col gap-2 max-lg:order-last">
      <div className="flex items-center justify-between">
        <h2>{t`Conversations`}</h2>
        <ButtonLink small to="/assistant">
          <Plus size={15} aria-hidden />
          {t`New`}
        </ButtonLink>
      </div>
      {isPending ? <Skeleton rows={4} height={44} /> : null}
      {error === null ? null : <Problem error={error} onRetry={() => void refetch()} />}
      {data?.threads.length === 0 ? <p className="text-muted">{t`None yet.`}</p> : null}
      <ul className="flex flex-col gap-0.5 lg:max-h-[calc(100dvh-10rem)] lg:overflow-y-auto">
        {data?.threads.map(({ threadId, title, updated_at }) => (
          <li key={threadId}>
            <Link
              to="/assistant/$threadId"
              params={{ threadId }}
              aria-current={threadId === current ? "page" : undefined}
              className="block rounded-md px-2 py-1.5 text-text hover:bg-sunken hover:no-underline aria-[current=page]:bg-accent-soft"
            >
              <span dir="auto" className="line-clamp-2 wrap-anywhere">
                {title}
              </span>
              <span className="text-[0.93rem] text-muted">
                <Time at={updated_at} />
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </aside>
  );
}
