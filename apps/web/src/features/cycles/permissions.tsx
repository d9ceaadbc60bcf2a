import type { CycleDetail } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { call } from "../../api.ts";
import { Button } from "../../ui/button.tsx";
import { Code } from "../../ui/code.tsx";
import { Panel } from "../../ui/page.tsx";
import { Problem } from "../../ui/states.tsx";
import { Time } from "../../ui/time.tsx";
import { useBlocked } from "../session/session.tsx";

/** What the agent waits for leave to do. */
export function Permissions({ cycle: { id, permissions_asked: open } }: { cycle: CycleDetail }) {
  const { t } = useLingui();
  if (open.length === 0) return null;
  return (
    <Panel title={t`The agent asks for leave`}>
      <p className="text-muted">{t`It waits for your answer. It stays in the sandbox either way; tools of MCP servers work outside, as access policy allows.`}</p>
      <ul className="mt-3 flex flex-col gap-4">
        {open.map((asked) => (
          <Asked key={asked.id} cycleId={id} asked={asked} />
        ))}
      </ul>
    </Panel>
  );
}

function Asked({ cycleId, asked }: { cycleId: string; asked: CycleDetail["permissions_asked"][number] }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const blocked = useBlocked()("decide");
  const answer = useMutation({
    mutationFn: (said: "allow" | "deny") =>
      call("answerCyclePermission", {
        params: { id: cycleId, permission: asked.id },
        body: { answer: said },
      }),
    onSettled: () => client.invalidateQueries(),
  });
  return (
    <li className="flex flex-col gap-2">
      <p className="font-medium wrap-anywhere">{asked.title}</p>
      {asked.details === null ? null : <Code label={asked.title}>{asked.details}</Code>}
      <p className="flex flex-wrap items-center gap-2">
        <Button
          look="primary"
          blocked={blocked}
          busy={answer.isPending}
          onClick={() => answer.mutate("allow")}
        >
          {t`Allow`}
        </Button>
        <Button blocked={blocked} busy={answer.isPending} onClick={() => answer.mutate("deny")}>
          {t`Refuse`}
        </Button>
        <span className="text-muted">
          <Time at={asked.asked_at} />
        </span>
      </p>
      {answer.isError ? <Problem error={answer.error} /> : null}
    </li>
  );
}
