import type { ApprovalTally } from "@ciclo/contract";
import { msg } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { Badge } from "../../ui/badge.tsx";
import { Time } from "../../ui/time.tsx";

const selfApproval = {
  never: msg`the author may not vote`,
  only_approver: msg`the author may vote only when there is no other approver`,
  always: msg`the author may vote`,
};

/** Who must vote by which rule, and who has. */
export function Votes({ approvals }: { approvals: ApprovalTally }) {
  const { t, i18n } = useLingui();
  return (
    <div className="flex flex-col gap-2">
      <ul className="flex flex-col gap-1">
        {approvals.requirements.map(({ rule, given, required, roles, self_approval }) => (
          <li key={rule} className="flex flex-wrap items-baseline gap-x-2">
            <span className="font-semibold">{t`${given} of ${required}`}</span>
            <span>{roles.join(", ")}</span>
            <span className="text-muted">{t`rule ${rule}: ${i18n._(selfApproval[self_approval])}`}</span>
          </li>
        ))}
      </ul>
      {approvals.decisions.length === 0 ? null : (
        <ul className="flex flex-col gap-1.5">
          {approvals.decisions.map(({ actor, decision, reason, at }) => (
            <li key={`${actor} ${at}`} className="flex flex-wrap items-center gap-x-2 gap-y-0.5">
              {decision === "approve" ? (
                <Badge tone="ok" icon="done">
                  {t`Approved`}
                </Badge>
              ) : (
                <Badge tone="bad" icon="stopped">
                  {t`Rejected`}
                </Badge>
              )}
              <span className="font-medium wrap-anywhere">{actor}</span>
              <span className="text-muted">
                <Time at={at} />
              </span>
              {reason === null ? null : <q className="w-full pl-1 wrap-anywhere text-muted">{reason}</q>}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
