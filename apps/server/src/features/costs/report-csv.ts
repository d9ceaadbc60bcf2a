import type { UsageReport } from "@ciclo/contract";
import { stringify } from "csv-stringify/sync";

/** The groups of a report as CSV (RFC 4180). A name that a spreadsheet would run as a formula is only shown. */
export function reportCsv({ groups, total, group_by }: UsageReport): string {
  const columns = [group_by, ...Object.keys(total), "cost_usd_before"];
  const rows = groups.map(({ key, ...sums }) => ({ ...sums, [group_by]: key ?? "" }));
  return stringify(rows, { header: true, columns, escape_formulas: true });
}
