import type { ThreadMessage } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { plural } from "@lingui/core/macro";
import { ButtonLink } from "../../ui/button.tsx";
import { Mono } from "../../ui/code.tsx";
import type { Request } from "./conversation.tsx";
import { PlanCard } from "./plan-card.tsx";

export const UserMessage = ({ text }: { text: string }) => (
  <div
    dir="auto"
    className="max-w-[85%] self-end rounded-xl bg-accent-soft px-4 py-2.5 whitespace-pre-wrap wrap-anywhere"
  >
    {text}
  </div>
);

/** What was said, and with an answer the plan that came of it. */
export function Message({
  message,
  threadId,
  onPlanAgain,
  isPlanning,
}: {
  message: ThreadMessage;
  threadId: string | null;
  onPlanAgain(request: Request): void;
  isPlanning: boolean;
}) {
  const { t } = useLingui();
  if (message.role === "user") return <UserMessage text={message.text} />;
  const { answer } = message;
  const references = answer?.references ?? [];
  const plan = answer?.plan ?? null;
  const cycle = answer?.cycle ?? null;
  const again = { message: t`Plan it again: ${plan?.summary ?? ""}`, ...requestOf(answer) };
  return (
    <div className="flex flex-col gap-3">
      <p dir="auto" className="max-w-prose whitespace-pre-wrap wrap-anywhere">
        {message.text}
      </p>
      {plan === null || answer === null ? null : (
        <PlanCard
          plan={plan}
          patch={answer.patch ?? ""}
          preview={answer.preview}
          threadId={threadId}
          isPlanning={isPlanning}
          onPlanAgain={() => onPlanAgain(again)}
        />
      )}
      {cycle === null ? null : (
        <ButtonLink to="/cycles/$cycleId" params={{ cycleId: cycle.id }}>{t`Open the cycle`}</ButtonLink>
      )}
      {references.length === 0 ? null : (
        <details className="max-w-prose">
          <summary className="cursor-pointer text-muted">
            {t`${plural(references.length, { one: "# source", other: "# sources" })}`}
          </summary>
          <ul className="mt-2 flex flex-col gap-2">
            {references.map(({ path, title, snippet }) => (
              <li key={`${path} ${title}`} className="border-l-2 border-line pl-3">
                <p className="font-medium wrap-anywhere">{title}</p>
                <p className="line-clamp-3 wrap-anywhere text-muted">{snippet}</p>
                <Mono className="text-muted">{path}</Mono>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

/** The typed request that an answer came of, to be planned again. */
function requestOf(answer: ThreadMessage["answer"]): Pick<Request, "intent" | "payload"> {
  return answer === null || answer.intent === null
    ? {}
    : { intent: answer.intent, ...(answer.payload === null ? {} : { payload: answer.payload }) };
}
