import { useLingui } from "@lingui/react/macro";
import {
  columnFilteringFeature,
  createColumnHelper,
  createFilteredRowModel,
  createSortedRowModel,
  filterFn_includesString,
  globalFilteringFeature,
  rowSortingFeature,
  sortFn_alphanumeric,
  sortFn_text,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { ArrowDown, ArrowUp, ArrowUpDown } from "lucide-react";
import { type KeyboardEvent, type MouseEvent, type ReactNode, useMemo } from "react";
import { cx } from "./cx.ts";

export type Column<Row> = {
  id: string;
  header: string;
  cell(row: Row): ReactNode;
  /** What it is sorted and filtered by; without it the column is neither. */
  value?(row: Row): string | number;
  /** Of the cell, such as a width. */
  className?: string;
};

const features = tableFeatures({
  rowSortingFeature,
  columnFilteringFeature,
  globalFilteringFeature,
  sortedRowModel: createSortedRowModel(),
  filteredRowModel: createFilteredRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric, text: sortFn_text },
  filterFns: { includesString: filterFn_includesString },
});

/**
 * Rows under headings; on a narrow screen each row is a card. The first link of a row opens it:
 * a click anywhere in the row follows it, and the arrow keys go from row to row.
 */
export function Table<Row extends object>({
  label,
  columns,
  rows,
  keyOf,
  filter = "",
}: {
  label: string;
  /** Stable from render to render. */
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf(row: Row): string;
  /** Keeps only rows that contain it. */
  filter?: string;
}) {
  const definitions = useMemo(() => {
    const helper = createColumnHelper<typeof features, Row>();
    return helper.columns(
      columns.map((column) =>
        helper.accessor((row: Row) => column.value?.(row) ?? "", {
          id: column.id,
          enableSorting: column.value !== undefined,
          enableGlobalFilter: column.value !== undefined,
        }),
      ),
    );
  }, [columns]);
  const table = useTable({
    features,
    columns: definitions,
    data: rows,
    getRowId: keyOf,
    state: { globalFilter: filter },
    globalFilterFn: "includesString",
  });
  const byId = new Map(columns.map((column) => [column.id, column]));
  return (
    <table role="table" aria-label={label} className="w-full border-collapse max-sm:block">
      <thead role="rowgroup" className="max-sm:sr-only">
        {table.getHeaderGroups().map((group) => (
          <tr role="row" key={group.id} className="border-b border-line text-left">
            {group.headers.map(({ id, column }) => (
              <Heading
                key={id}
                title={byId.get(id)?.header ?? ""}
                className={byId.get(id)?.className}
                sorted={column.getIsSorted()}
                onSort={column.getCanSort() ? column.getToggleSortingHandler() : undefined}
              />
            ))}
          </tr>
        ))}
      </thead>
      <tbody role="rowgroup" className="max-sm:block" onKeyDown={moveBetweenRows}>
        {table.getRowModel().rows.map((row) => (
          <tr role="row" key={row.id} onClick={followRow} className={rowClass}>
            {columns.map((column) => (
              <td role="cell" key={column.id} className={cx(cellClass, column.className)}>
                {column.cell(row.original)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const rowClass =
  "border-b border-line last:border-b-0 has-[[data-row-link]]:cursor-pointer has-[[data-row-link]]:hover:bg-sunken max-sm:flex max-sm:flex-wrap max-sm:items-center max-sm:gap-x-3 max-sm:gap-y-1.5 max-sm:px-4 max-sm:py-3";
const cellClass = "px-3 py-2 align-top first:pl-4 last:pr-4 max-sm:block max-sm:p-0! max-sm:first:w-full";

function Heading({
  title,
  className,
  sorted,
  onSort,
}: {
  title: string;
  className: string | undefined;
  sorted: false | "asc" | "desc";
  onSort: ((event: unknown) => void) | undefined;
}) {
  const { t } = useLingui();
  return (
    <th
      role="columnheader"
      scope="col"
      aria-sort={sorted === false ? undefined : sorted === "asc" ? "ascending" : "descending"}
      className={cx("px-3 py-2 font-medium text-muted first:pl-4 last:pr-4", className)}
    >
      {onSort !== undefined && title !== "" ? (
        <button
          type="button"
          onClick={onSort}
          title={t`Sort`}
          className="inline-flex items-center gap-1 rounded hover:text-text max-sm:hidden"
        >
          {title}
          <SortIcon sorted={sorted} />
        </button>
      ) : (
        <span className={title === "" ? "sr-only" : undefined}>{title || t`Actions`}</span>
      )}
      {onSort === undefined ? null : <span className="sm:hidden">{title}</span>}
    </th>
  );
}

function SortIcon({ sorted }: { sorted: false | "asc" | "desc" }) {
  const Icon = sorted === false ? ArrowUpDown : sorted === "asc" ? ArrowUp : ArrowDown;
  return <Icon size={13} aria-hidden className={sorted === false ? "opacity-50" : undefined} />;
}

/** Put on the link that a click in the row follows. */
export const rowLink = { "data-row-link": "" };

function followRow(event: MouseEvent<HTMLTableRowElement>): void {
  const target = event.target as Element;
  const isChoosing = (getSelection()?.toString() ?? "") !== "";
  if (isChoosing || target.closest("a, button, input, select, label") !== null) return;
  event.currentTarget.querySelector<HTMLElement>("[data-row-link]")?.click();
}

function moveBetweenRows(event: KeyboardEvent<HTMLTableSectionElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-row-link]")];
  const row = (event.target as Element).closest("tr");
  const current = links.findIndex((link) => link.closest("tr") === row);
  const next = links[current + step];
  if (current === -1 || next === undefined) return;
  event.preventDefault();
  next.focus();
}
