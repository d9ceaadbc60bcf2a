import type { UsageReport } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useCallback, useState } from "react";
import { ScrollRegion } from "../../ui/scroll-region.tsx";
import { useFigures } from "./format.ts";

type Props = { report: UsageReport; bucket: "hour" | "day" | "week" | "month"; nameOf(key: string): string };

const [height, bottom, top] = [240, 24, 8];
/** A letter of the scale is no wider than this. */
const letterWidth = 7;
/** So many pixels for a word below the bars. */
const labelWidth = 90;
/** Hidden, an element has no width at all. */
const narrowest = 200;
/** Groups with a colour of their own: as many as can be told apart. The rest is one. */
const colours = [
  "fill-series-1",
  "fill-series-2",
  "fill-series-3",
  "fill-series-4",
  "fill-series-5",
  "fill-series-6",
  "fill-series-7",
  "fill-series-8",
];
const restColour = "fill-line-strong";

type Point = UsageReport["series"][number];

/** What was spent over time, a bar a bucket, with what cost most told apart; and the same numbers as a table. */
export function SpendChart({ report, bucket, nameOf }: Props) {
  const { t } = useLingui();
  const [frame, width] = useWidth();
  const keys = report.groups
    .map(({ key }) => key)
    .filter((key) => key !== null)
    .slice(0, colours.length)
    .filter((key) => report.series.some((point) => costOf(point, key) > 0));
  const hasRest = report.series.some((point) => restOf(point, keys) > 1e-9);
  return (
    <figure ref={frame} className="flex min-w-0 flex-col gap-3">
      <Bars {...{ report, bucket, keys, width }} />
      <ul className="flex flex-wrap gap-x-4 gap-y-1" aria-label={t`Colours`}>
        {keys.map((key, place) => (
          <Swatch key={key} colour={colours[place] ?? restColour} name={nameOf(key)} />
        ))}
        {hasRest ? <Swatch colour={restColour} name={t`Others`} /> : null}
      </ul>
      <details>
        <summary className="cursor-pointer text-muted">{t`The same as a table`}</summary>
        <SeriesTable {...{ report, bucket, nameOf, keys }} />
      </details>
    </figure>
  );
}

/** What groups without a colour of their own cost. */
const restOf = (point: Point, keys: readonly string[]): number =>
  Math.max(0, point.cost_usd - keys.reduce((sum, key) => sum + costOf(point, key), 0));

/** Names come from outside: `constructor` is one like any other. */
const costOf = ({ costs }: Point, key: string): number => (Object.hasOwn(costs, key) ? (costs[key] ?? 0) : 0);

function Bars({
  report,
  bucket,
  keys,
  width,
}: Omit<Props, "nameOf"> & { keys: readonly string[]; width: number }) {
  const { t } = useLingui();
  const figures = useFigures();
  const label = useBucketLabel(bucket, report.tz);
  const most = niceCeiling(Math.max(0, ...report.series.map(({ cost_usd }) => cost_usd)));
  const left = 16 + letterWidth * Math.max(...[0, 0.5, 1].map((part) => figures.usd(part * most).length));
  const step = (width - left) / Math.max(1, report.series.length);
  const y = (value: number): number => top + (height - top - bottom) * (1 - value / most);
  const every = Math.max(1, Math.ceil(labelWidth / step));
  return (
    <svg
      width={width}
      height={height}
      role="img"
      aria-label={t`Spend over time; the table below has the same numbers`}
      className="text-muted"
    >
      {[0, 0.5, 1].map((part) => (
        <g key={part}>
          <line x1={left} x2={width} y1={y(part * most)} y2={y(part * most)} className="stroke-line" />
          <text x={left - 8} y={y(part * most) + 4} textAnchor="end" className="fill-current text-[11px]">
            {figures.usd(part * most)}
          </text>
        </g>
      ))}
      {report.series.map((point, index) => {
        const x = left + index * step;
        const room = index * step + labelWidth <= width - left || index === 0;
        return (
          <g key={point.start}>
            <title>{`${label(point.start)}: ${figures.usd(point.cost_usd)}`}</title>
            <rect x={x} y={top} width={step} height={height - top - bottom} className="fill-transparent" />
            {stacked(point, keys).map(({ key, from, to, colour }) => (
              <rect
                key={key}
                x={x + step * 0.12}
                width={step * 0.76}
                y={y(to)}
                height={y(from) - y(to)}
                className={colour}
              />
            ))}
            {index % every === 0 && room ? (
              <text x={x + step * 0.12} y={height - 6} className="fill-current text-[11px]">
                {label(point.start)}
              </text>
            ) : null}
          </g>
        );
      })}
    </svg>
  );
}

/** The parts of a bar, one upon the other. */
function stacked(point: Point, keys: readonly string[]) {
  let base = 0;
  return [
    ...keys.map((key, place) => ({
      key,
      value: costOf(point, key),
      colour: colours[place] ?? restColour,
    })),
    { key: "", value: restOf(point, keys), colour: restColour },
  ].flatMap(({ key, value, colour }) => {
    if (value <= 0) return [];
    const from = base;
    base += value;
    return [{ key, from, to: base, colour }];
  });
}

/** How wide an element is, in pixels; put the first of the two on it. */
function useWidth(): [(element: HTMLElement | null) => (() => void) | undefined, number] {
  const [width, setWidth] = useState(640);
  const watch = useCallback((element: HTMLElement | null) => {
    if (element === null) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setWidth(Math.max(narrowest, Math.floor(entry.contentRect.width)));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [watch, width];
}

function Swatch({ colour, name }: { colour: string; name: string }) {
  return (
    <li className="inline-flex min-w-0 items-center gap-1.5">
      <svg width={10} height={10} aria-hidden className="shrink-0">
        <rect width={10} height={10} rx={2} className={colour} />
      </svg>
      <span className="wrap-anywhere">{name}</span>
    </li>
  );
}

function SeriesTable({ report, bucket, keys, nameOf }: Props & { keys: readonly string[] }) {
  const { t } = useLingui();
  const figures = useFigures();
  const label = useBucketLabel(bucket, report.tz);
  return (
    <ScrollRegion label={t`Spend over time`} className="mt-2 max-h-96 overflow-auto">
      <table aria-label={t`Spend over time`} className="w-full text-right tabular-nums">
        <thead>
          <tr className="border-b border-line text-muted">
            <th scope="col" className="px-2 py-1 text-left font-medium">
              {t`From`}
            </th>
            <th scope="col" className="px-2 py-1 font-medium">
              {t`Cost`}
            </th>
            <th scope="col" className="px-2 py-1 font-medium">
              {t`Calls`}
            </th>
            {keys.map((key) => (
              <th key={key} scope="col" className="px-2 py-1 font-medium">
                {nameOf(key)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {report.series.map((point) => (
            <tr key={point.start} className="border-b border-line last:border-b-0">
              <th scope="row" className="px-2 py-1 text-left font-normal whitespace-nowrap">
                {label(point.start)}
              </th>
              <td className="px-2 py-1" data-usd={point.cost_usd}>
                {figures.usd(point.cost_usd)}
              </td>
              <td className="px-2 py-1">{figures.count(point.calls)}</td>
              {keys.map((key) => (
                <td key={key} className="px-2 py-1">
                  {figures.usd(costOf(point, key))}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
}

function useBucketLabel(bucket: Props["bucket"], timeZone: string): (start: string) => string {
  const { i18n } = useLingui();
  const format = new Intl.DateTimeFormat(i18n.locale, {
    timeZone,
    ...(bucket === "hour"
      ? { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }
      : bucket === "month"
        ? { month: "short", year: "numeric" }
        : { day: "numeric", month: "short" }),
  });
  return (start) => format.format(new Date(start));
}

/** The next round number: no more than half of the chart stays empty. */
function niceCeiling(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.2, 1.6, 2, 2.5, 3, 4, 5, 6, 8, 10].find((one) => one * power >= value) ?? 10;
  return step * power;
}
