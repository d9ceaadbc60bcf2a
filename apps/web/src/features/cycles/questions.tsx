import type { CycleDetail } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../api.ts";
import { Button } from "../../ui/button.tsx";
import { TextArea } from "../../ui/field.tsx";
import { Problem } from "../../ui/states.tsx";
import { newest } from "./newest.ts";

/** Open questions of an analysis, to answer in place. Not there while none is open. */
export function Questions({ cycle }: { cycle: CycleDetail }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const [answers, setAnswers] = useState<Record<string, string>>({});
  const analysis = newest(cycle, "analysis");
  const open = (analysis?.content.quick_spec.open_questions ?? []).filter(({ answer }) => answer === null);
  const given = open.flatMap(({ id }) => {
    const answer = (answers[id] ?? "").trim();
    return answer === "" ? [] : [{ question: id, answer }];
  });
  const send = useMutation({
    mutationFn: () =>
      call("answerCycle", {
        params: { id: cycle.id },
        body: { subject: analysis?.sha256 ?? "", answers: given },
      }),
    onSuccess: () => setAnswers({}),
    onSettled: () => client.invalidateQueries(),
  });
  if (cycle.state !== "waiting" || cycle.stage !== "analyze" || open.length === 0) return null;
  return (
    <section
      aria-label={t`Open questions`}
      className="flex flex-col gap-3 rounded-xl border border-line bg-surface p-4"
    >
      <h2>{t`Open questions`}</h2>
      <p className="text-muted">{t`The analysis is approved once they are answered; planning goes by the answers.`}</p>
      {open.map(({ id, question, why }) => (
        <TextArea
          key={id}
          label={`${id} · ${question}`}
          hint={why}
          rows={1}
          maxLength={4000}
          value={answers[id] ?? ""}
          onChange={({ target }) => setAnswers({ ...answers, [id]: target.value })}
        />
      ))}
      {send.isError ? <Problem error={send.error} /> : null}
      <div>
        <Button
          look="primary"
          busy={send.isPending}
          blocked={given.length === 0 ? t`Answer one first` : null}
          onClick={() => send.mutate()}
        >
          {t`Answer`}
        </Button>
      </div>
    </section>
  );
}
