import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { startConsole } from "./support/console.ts";
import { modelCall } from "./support/usage.ts";

type Rule = { isMandatory?: true; isNullable?: true; form?: RegExp; values?: readonly string[] };
const name: Rule = { form: /\S/ };
const cost: Rule = { isMandatory: true, isNullable: true, form: /^-?\d+(?:\.\d+)?$/ };
const time: Rule = { isMandatory: true, form: /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/ };
const number: Rule = { form: /^-?\d+(?:\.\d+)?$/ };

/**
 * The rules of FOCUS 1.3 for the columns that rows of usage have (specification, Cost and Usage). Costs may be null here where
 * nothing of a row has a price.
 */
const rules: Record<string, Rule> = {
  BilledCost: cost,
  BillingAccountId: { ...name, isMandatory: true },
  BillingAccountName: { ...name, isMandatory: true, isNullable: true },
  BillingCurrency: { isMandatory: true, values: ["USD"] },
  BillingPeriodEnd: time,
  BillingPeriodStart: time,
  ChargeCategory: { isMandatory: true, values: ["Usage"] },
  ChargeClass: { isMandatory: true, isNullable: true, values: ["Correction"] },
  ChargeDescription: { ...name, isMandatory: true },
  ChargeFrequency: { values: ["One-Time", "Recurring", "Usage-Based"] },
  ChargePeriodEnd: time,
  ChargePeriodStart: time,
  ConsumedQuantity: number,
  ConsumedUnit: name,
  ContractedCost: cost,
  EffectiveCost: cost,
  HostProviderName: { ...name, isMandatory: true },
  InvoiceIssuerName: { ...name, isMandatory: true },
  ListCost: cost,
  PricingCategory: { values: ["Standard", "Dynamic", "Committed", "Other"] },
  PricingCurrency: { values: ["USD"] },
  PricingQuantity: { ...number, isMandatory: true },
  PricingUnit: { ...name, isMandatory: true },
  // Deprecated since 1.3, and still to be there.
  ProviderName: { ...name, isMandatory: true },
  PublisherName: { ...name, isMandatory: true },
  ServiceCategory: { isMandatory: true, values: ["AI and Machine Learning", "Integration"] },
  ServiceName: { ...name, isMandatory: true },
  ServiceProviderName: { ...name, isMandatory: true },
  ServiceSubcategory: { values: ["Generative AI", "Other (Integration)"] },
  SkuId: name,
  SkuPriceId: name,
  SubAccountId: { ...name, isNullable: true },
  SubAccountName: { ...name, isNullable: true },
  SubAccountType: { ...name, isNullable: true },
  Tags: { isNullable: true, form: /^\{.*\}$/ },
};

describe("charges in the columns of FOCUS", () => {
  it("keep each column's rules, and come to the sum of the report", async () => {
    const running = await startConsole();
    await running.ledger.take([
      modelCall("1", {}, { run: "run-7", pullRequest: "#12", sprint: "48" }),
      modelCall("2", { at: "2026-11-01T01:00:00.000Z" }),
      modelCall("3", {}, { model: "nobody-knows", actorName: null }),
      modelCall(
        "4",
        { usage: null, cost: { nanoUsd: 2_500_000, source: "override", version: "mcp-registry.yaml" } },
        {
          kind: "tool",
          source: "gateway",
          server: "hub",
          tool: '=cmd("x")',
          method: "tools/call",
          provider: null,
          model: null,
        },
      ),
    ]);
    const { token, client } = await running.person("viewer");
    const query = "from=2026-10-31&to=2026-11-01&tz=UTC";
    const response = await running.request(`/api/v1/usage/focus.csv?${query}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(response.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(response.headers.get("content-disposition")).toBe('attachment; filename="ciclo-focus.csv"');
    const rows: Record<string, string>[] = parse(await response.text(), { columns: true });
    expect(rows).toHaveLength(4);
    const columns = Object.keys(rows[0] ?? {});
    expect(
      Object.keys(rules).filter((id) => rules[id]?.isMandatory === true && !columns.includes(id)),
    ).toEqual([]);
    // Columns of our own come last, and say so.
    expect(columns).toEqual([
      ...columns.filter((id) => id in rules),
      ...columns.filter((id) => id.startsWith("x_")),
    ]);
    for (const row of rows)
      for (const [id, { isNullable, form, values }] of Object.entries(rules)) {
        const value = row[id] ?? "";
        if (value === "") expect([id, isNullable]).toEqual([id, true]);
        else
          expect([id, value, form?.test(value) ?? true, values?.includes(value) ?? true]).toEqual([
            id,
            value,
            true,
            true,
          ]);
      }
    const report = await client.call("getUsage", {
      query: { group_by: "model", tz: "UTC", from: "2026-10-31", to: "2026-11-01" },
    });
    const sum = rows.reduce((all, { BilledCost }) => all + Number(BilledCost), 0);
    expect(sum).toBeCloseTo(report.total.cost_usd, 9);
    const unpriced = rows.find(({ SkuId }) => SkuId === "anthropic/nobody-knows");
    expect(unpriced).toMatchObject({ BilledCost: "", x_ConsumedTokens: "1110", x_UnpricedCalls: "1" });
    expect(
      rows.map(({ BillingPeriodStart, BillingPeriodEnd }) => `${BillingPeriodStart} ${BillingPeriodEnd}`),
    ).toContain("2026-11-01T00:00:00Z 2026-12-01T00:00:00Z");
    expect(rows.map(({ Tags }) => Tags)).toContain('{"run":"run-7","pull_request":"#12","sprint":"48"}');
    const tool = rows.find(({ ConsumedUnit }) => ConsumedUnit === "Requests");
    expect(tool).toMatchObject({ EffectiveCost: "0.0025", ServiceProviderName: "hub" });
  });
});
