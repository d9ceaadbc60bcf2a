import type { Plan } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { Badge } from "../../ui/badge.tsx";
import { Mono } from "../../ui/code.tsx";
import { impactLooks } from "./labels.tsx";

/** What will be done, in order, and to which files. */
export function Steps({ plan }: { plan: Plan }) {
  const { t } = useLingui();
  return (
    <ol className="flex flex-col gap-3">
      {plan.steps.map((step, index) => (
        <li key={step.id} className="flex gap-3">
          <span className="grid size-6 shrink-0 place-items-center rounded-full bg-sunken font-medium text-muted">
            {index + 1}
          </span>
          <div className="min-w-0">
            <h3 className="wrap-anywhere">{step.title}</h3>
            {step.description === "" ? null : <p className="wrap-anywhere text-muted">{step.description}</p>}
            <ul>
              {step.actions.map((action) => (
                <li key={`${action.type} ${action.path}`}>
                  {action.type === "write_file" ? t`Writes` : t`Deletes`} <Mono>{action.path}</Mono>
                </li>
              ))}
            </ul>
          </div>
        </li>
      ))}
    </ol>
  );
}

/** What could go wrong, the worst first, and what is done about it. */
export function Risks({ plan }: { plan: Plan }) {
  const { t, i18n } = useLingui();
  if (plan.risks.length === 0) return <p className="text-muted">{t`No risk was found.`}</p>;
  const order = ["high", "medium", "low"];
  const risks = plan.risks.toSorted((a, b) => order.indexOf(a.impact) - order.indexOf(b.impact));
  return (
    <ul className="flex flex-col gap-3">
      {risks.map((risk) => {
        const { tone, icon, label } = impactLooks[risk.impact];
        return (
          <li key={risk.title} className="flex flex-col items-start gap-1">
            <div className="flex flex-wrap items-center gap-2">
              <Badge tone={tone} icon={icon}>
                {i18n._(label)}
              </Badge>
              <h3 className="wrap-anywhere">{risk.title}</h3>
            </div>
            <p className="wrap-anywhere text-muted">{risk.mitigation}</p>
          </li>
        );
      })}
    </ul>
  );
}
