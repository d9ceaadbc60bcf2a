import type { ChatOverview } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { call } from "../../api.ts";
import { keepDraft, useDraft } from "../../draft.ts";
import { ButtonLink } from "../../ui/button.tsx";
import { Note, Problem, Skeleton } from "../../ui/states.tsx";
import { useBlocked, useSession } from "../session/session.tsx";
import { Composer } from "./composer.tsx";
import { Message, UserMessage } from "./message.tsx";
import { threadQuery, threadsQuery } from "./queries.ts";

export type Request = { message: string; intent?: string; payload?: Record<string, unknown> };

/** One conversation: its messages, and the field for the next. */
export function Conversation({
  threadId,
  say,
  onThread,
}: {
  threadId: string | null;
  say: string | undefined;
  onThread(threadId: string): void;
}) {
  const { t } = useLingui();
  const { draft, setDraft, send, ask } = useMessages(threadId, say, onThread);
  const messages = useQuery({ ...threadQuery(threadId ?? ""), enabled: threadId !== null });
  const shown = messages.data ?? [];
  const end = useScrollToEnd(`${shown.length} ${send.status}`);
  const isNew = threadId === null && send.isIdle;
  return (
    <div className="flex flex-col gap-5">
      {isNew ? <Examples onChoose={setDraft} /> : null}
      {threadId !== null && messages.isPending ? <Skeleton rows={3} height={72} /> : null}
      {messages.isError ? (
        <Problem
          error={messages.error}
          onRetry={() => void messages.refetch()}
          action={
            <ButtonLink small look="primary" to="/assistant">
              {t`Begin a new conversation`}
            </ButtonLink>
          }
        />
      ) : null}
      <div role="log" aria-label={t`Conversation`} className="flex flex-col gap-5">
        {shown.map((message) => (
          <Message
            key={message.id}
            message={message}
            threadId={threadId}
            onPlanAgain={ask}
            isPlanning={send.isPending}
          />
        ))}
        {send.isPending ? (
          <>
            <UserMessage text={send.variables.message} />
            <p className="pulse text-muted">{t`Reading the configuration and writing the plan…`}</p>
          </>
        ) : null}
      </div>
      {send.isError ? <Problem error={send.error} onRetry={() => ask(send.variables)} /> : null}
      <div ref={end} />
      <Composer
        value={draft}
        onChange={setDraft}
        isBusy={send.isPending}
        onSend={() => ask({ message: draft.trim() })}
      />
    </div>
  );
}

/** The message being written, and its sending. A new conversation begins with the first answer. */
function useMessages(threadId: string | null, say: string | undefined, onThread: (threadId: string) => void) {
  const client = useQueryClient();
  const { user } = useSession();
  const [draft, setDraft] = useDraft(`say.${user.id}.${threadId ?? "new"}`, say);
  const latest = useRef(draft);
  useEffect(() => {
    latest.current = draft;
  }, [draft]);
  const send = useMutation({
    mutationFn: (request: Request) =>
      call("chat", {
        body: { ...(request as { message: string }), ...(threadId === null ? {} : { threadId }) },
      }),
    async onSuccess(reply, { message }) {
      const unsent = latest.current.trim() === message ? "" : latest.current;
      setDraft("");
      // What was typed meanwhile belongs to the conversation that has just begun.
      keepDraft(`say.${user.id}.${reply.threadId}`, unsent);
      if (threadId !== null) setDraft(unsent);
      await client.invalidateQueries({ queryKey: ["threads"] });
    },
  });
  const ask = (request: Request): void =>
    // Told only while this conversation is still what the person looks at.
    send.mutate(request, { onSuccess: (reply) => threadId === null && onThread(reply.threadId) });
  return { draft, setDraft, send, ask };
}

/** Keeps the newest in sight when something is added, not when an old conversation is opened. */
function useScrollToEnd(state: string) {
  const end = useRef<HTMLDivElement>(null);
  const before = useRef(state);
  useEffect(() => {
    if (before.current !== state && !before.current.startsWith("0 ")) {
      end.current?.scrollIntoView({ block: "nearest" });
    }
    before.current = state;
  }, [state]);
  return end;
}

function Examples({ onChoose }: { onChoose(example: string): void }) {
  const { t } = useLingui();
  const { data } = useQuery(threadsQuery);
  const blocked = useBlocked()("plan");
  const examples: ChatOverview["intents"] = data?.intents ?? [];
  return (
    <div className="flex flex-col gap-3">
      <p className="max-w-prose text-muted">
        {t`Say what should change, in your own words. You get a plan with its exact patch to read; nothing is written before people approve it. You can also ask about what is configured.`}
      </p>
      {blocked === null ? null : (
        <Note>
          {t`You may ask here. To plan changes you need another role.`} {blocked}
        </Note>
      )}
      {data === undefined ? <Skeleton rows={2} height={76} /> : null}
      <ul className="grid gap-2 sm:grid-cols-2">
        {examples.map(({ intent, description, example }) => (
          <li key={intent}>
            <button
              type="button"
              onClick={() => onChoose(example)}
              className="flex h-full w-full flex-col gap-1 rounded-lg border border-line bg-surface px-4 py-3 text-left hover:border-line-strong"
            >
              <span className="font-medium">{description}</span>
              <q className="text-muted">{example}</q>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
