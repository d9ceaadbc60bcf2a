import { ProblemError, type Reconciliation } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../api.ts";
import { codeOf } from "../../problems.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { TextArea, TextField } from "../../ui/field.tsx";
import { ScrollRegion } from "../../ui/scroll-region.tsx";
import { Problem } from "../../ui/states.tsx";
import { useFigures } from "./format.ts";

const providerExample = "anthropic";
const invoiceExample = "model,usd\ngpt-5.2,12.40";

/** A provider's invoice beside the ledger: differences by model, and what may explain them. Nothing of it is kept. */
export function ReconcileDialog({ from, to, onClose }: { from: string; to: string; onClose(): void }) {
  const { t } = useLingui();
  const [invoice, setInvoice] = useState({ provider: "", from, to, csv: "" });
  const set = (name: keyof typeof invoice) => (event: { target: { value: string } }) =>
    setInvoice({ ...invoice, [name]: event.target.value });
  const reconcile = useMutation({
    mutationFn: () => call("reconcile", { body: { ...invoice, tz: "UTC" } }),
    gcTime: 0,
  });
  const errors = reconcile.error instanceof ProblemError ? (reconcile.error.problem.errors ?? []) : [];
  const problemOf = (name: string): string | undefined => errors.find(({ path }) => path === name)?.message;
  const isComplete = Object.values(invoice).every((value) => value.trim() !== "");
  return (
    <Dialog
      open
      wide
      insistent={invoice.csv !== "" && reconcile.data === undefined}
      onOpenChange={(open) => open || onClose()}
      title={t`Check an invoice`}
      description={t`The invoice stays in this window: nothing of it is kept.`}
      actions={
        <>
          <Button onClick={onClose}>{t`Close`}</Button>
          <Button
            look="primary"
            busy={reconcile.isPending}
            blocked={isComplete ? null : t`Fill in all fields first`}
            onClick={() => reconcile.mutate()}
          >
            {t`Compare`}
          </Button>
        </>
      }
    >
      <div className="grid gap-3 sm:grid-cols-3">
        <TextField
          label={t`Provider`}
          value={invoice.provider}
          onChange={set("provider")}
          placeholder={providerExample}
          problem={problemOf("provider")}
        />
        <TextField label={t`From`} type="date" value={invoice.from} onChange={set("from")} />
        <TextField
          label={t`To, included`}
          hint={t`Days are of UTC, as providers bill`}
          type="date"
          value={invoice.to}
          onChange={set("to")}
        />
      </div>
      <TextArea
        label={t`The invoice as CSV`}
        hint={t`As the provider exports it, or with the columns model and usd`}
        rows={6}
        spellCheck={false}
        className="font-mono text-[0.93rem]"
        value={invoice.csv}
        onChange={set("csv")}
        placeholder={invoiceExample}
        problem={problemOf("csv")}
      />
      {reconcile.isError && codeOf(reconcile.error) !== "invalid_payload" ? (
        <Problem error={reconcile.error} />
      ) : null}
      {reconcile.data === undefined ? null : <Differences of={reconcile.data} />}
    </Dialog>
  );
}

function Differences({ of: { models, total } }: { of: Reconciliation }) {
  const { t } = useLingui();
  const { usd } = useFigures();
  const cells = (of: Reconciliation["total"]) =>
    (["ledger_usd", "invoice_usd", "difference_usd"] as const).map((column) => (
      <td key={column} className="px-2 py-1 text-right whitespace-nowrap tabular-nums">
        {usd(of[column])}
      </td>
    ));
  return (
    <ScrollRegion label={t`Differences`} className="overflow-x-auto">
      <table aria-label={t`Differences`} className="w-full">
        <thead>
          <tr className="border-b border-line text-muted">
            {[t`Model`, t`Ledger`, t`Invoice`, t`Difference`].map((name, index) => (
              <th
                key={name}
                scope="col"
                className={
                  index === 0 ? "px-2 py-1 text-left font-medium" : "px-2 py-1 text-right font-medium"
                }
              >
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {models.map((one) => (
            <tr key={one.model} className="border-b border-line align-top">
              <th scope="row" className="px-2 py-1 text-left font-normal">
                <span className="font-medium wrap-anywhere">{one.model}</span>
                {one.reasons.map((reason) => (
                  <span key={reason} className="block max-w-prose text-muted">
                    {reason}
                  </span>
                ))}
              </th>
              {cells(one)}
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr className="font-semibold">
            <th scope="row" className="px-2 py-1 text-left">
              {t`Total`}
            </th>
            {cells(total)}
          </tr>
        </tfoot>
      </table>
    </ScrollRegion>
  );
}
