import { text } from "@ciclo/contract";
import { CsvError, parse } from "csv-parse/sync";
import { fieldError, invalidPayload } from "../../errors.ts";

export type InvoiceLine = { model: string; usd: number };

/** How providers head the columns that matter, the surest first. */
const modelHeads = [
  /^model$/i,
  /^model[ _]?(?:name|version)$/i,
  /^line[ _]?item$/i,
  /^sku(?:[ _]?description)?$/i,
  /^(?:description|name|product)$/i,
];
const amountHeads = [
  /^(?:(?:cost|amount|total|net)[ _]?)?\(?usd\)?$/i,
  /^(?:amount[ _]?value|billed[ _]?cost|cost|amount|total|net[ _]?amount|charge)$/i,
];

/** Lines of an invoice as a provider exports it. Throws a `Refusal` that says what is missing. */
export function invoiceLines(csv: string): InvoiceLine[] {
  const rows = rowsOf(csv);
  const [head = []] = rows;
  const columnOf = (heads: readonly RegExp[]): number => {
    for (const form of heads) {
      const found = head.findIndex((name) => form.test(name.trim()));
      if (found >= 0) return found;
    }
    return -1;
  };
  const [model, amount] = [columnOf(modelHeads), columnOf(amountHeads)];
  if (model < 0 || amount < 0) throw unheaded(head);
  return rows.slice(1).map((row, index) => {
    const usd = amountIn(row[amount] ?? "");
    if (usd === null) throw unreadable(index + 2, row[amount] ?? "");
    return { model: modelIn(row[model] ?? ""), usd };
  });
}

function rowsOf(csv: string): string[][] {
  try {
    const options = { bom: true, skip_empty_lines: true, trim: true, relax_column_count: true } as const;
    const [first = ""] = csv.split("\n", 1);
    const delimiter = first.includes(";") && !first.includes(",") ? ";" : first.includes("\t") ? "\t" : ",";
    return parse(csv, { ...options, delimiter });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw invalidPayload([fieldError("csv", `is no CSV: ${error.message}`, `não é CSV: ${error.message}`)]);
  }
}

/** `gpt-5.2-2025-12-11, input` is a line of a model, and what of it. */
const modelIn = (said: string): string => said.split(/,\s/, 1)[0]?.trim() ?? "";

/** `1,234.50`, `$0.03`, `1234,5`: null for what is no amount. */
function amountIn(said: string): number | null {
  const plain = said.replace(/[$\sA-Z]/g, "");
  const dotted = /^-?[\d.]*\d,\d{1,2}$/.test(plain)
    ? plain.replaceAll(".", "").replace(",", ".")
    : plain.replaceAll(",", "");
  return dotted !== "" && /^-?\d*\.?\d+(?:e-?\d+)?$/i.test(dotted) ? Number(dotted) : null;
}

const unheaded = (head: readonly string[]) =>
  invalidPayload([
    fieldError(
      "csv",
      `has no column for the model (model, line_item, sku) or for the amount (cost_usd, amount, cost). It has: ${head.slice(0, 20).join(", ")}`,
      `não tem coluna para o modelo (model, line_item, sku) ou para o valor (cost_usd, amount, cost). Tem: ${head.slice(0, 20).join(", ")}`,
    ),
  ]);

const unreadable = (line: number, said: string) => {
  const shown = said.slice(0, 50);
  const words = text(`line ${line}: ${shown} is no amount`, `linha ${line}: ${shown} não é um valor`);
  return invalidPayload([fieldError("csv", words.en, words["pt-BR"])]);
};
