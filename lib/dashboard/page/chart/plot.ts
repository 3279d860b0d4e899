import uPlot from 'uplot';
import type { Palette } from './palette.js';

export interface Point {
  date: Date;
  value: number | null;
  /** The value at the same position of the compared range. */
  compared?: number | null | undefined;
  /** True if the interval is not over yet. */
  isRunning?: boolean;
}

export const HEIGHT = 260;

const FONT = '12px system-ui, sans-serif';

/** Steps of an axis of whole numbers. */
const WHOLE_STEPS = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat();

export interface PlotSettings {
  points: Point[];
  width: number;
  isWhole: boolean;
  canZoom: boolean;
  formatValue: (value: number) => string;
  formatTick: (date: Date) => string;
  /** Returns the colours at the time of drawing. */
  palette: () => Palette;
  onHover: (hovered: { index: number; left: number } | undefined) => void;
  /** The user has selected a part with the pointer. */
  onSelect: (first: number, last: number) => void;
}

export function plotOptions(settings: PlotSettings): uPlot.Options {
  const { points, width, canZoom, palette, onHover, onSelect } = settings;
  const line = (): string => palette().line;
  const fill = (): string => palette().fill;
  const isSingle = points.length === 1;
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    padding: [12, 28, 0, 4],
    cursor: {
      y: false,
      drag: { x: canZoom, y: false, setScale: false },
      points: { size: 9, width: 2, stroke: line, fill: () => palette().axis },
    },
    scales: {
      x: { time: true },
      y: { range: (_, _min, max) => [0, max > 0 ? max * 1.08 : 1] },
    },
    axes: plotAxes(settings),
    series: [
      {},
      { stroke: () => palette().compared, width: 1.5, dash: [4, 4], points: { show: isSingle } },
      { stroke: line, fill, width: 2, points: { show: isSingle, size: 8 } },
      // The last point may still change.
      { stroke: line, fill, width: 2, dash: [5, 4], points: { show: isSingle, size: 8 } },
    ],
    hooks: {
      setCursor: [
        ({ cursor: { idx, left } }) =>
          onHover(
            typeof idx === 'number' && left !== undefined && left >= 0 ? { index: idx, left } : undefined,
          ),
      ],
      setSelect: [
        (self) => {
          const { left, width: selected } = self.select;
          if (selected < 8) return;
          onSelect(self.posToIdx(left), self.posToIdx(left + selected));
          self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}

function plotAxes({ points, isWhole, formatValue, formatTick, palette }: PlotSettings): uPlot.Axis[] {
  const stroke = (): string => palette().axis;
  return [
    {
      stroke,
      grid: { show: false },
      ticks: { show: false },
      size: 34,
      gap: 9,
      font: FONT,
      // At the starts of intervals, which depend on the time zone.
      splits: (self) => evenSplits(points, Math.floor(self.width / 90)),
      values: (_, splits) => splits.map((split) => formatTick(new Date(split * 1000))),
    },
    {
      stroke,
      size: (_, values) => 14 + 7 * Math.max(0, ...(values ?? []).map(({ length }) => length)),
      grid: { stroke: () => palette().grid, width: 1 },
      ticks: { show: false },
      font: FONT,
      ...(isWhole && { incrs: WHOLE_STEPS }),
      values: (_, splits) => splits.map(formatValue),
    },
  ];
}

/** Returns the series: dates in seconds, the comparison, complete intervals, and the running interval. */
export function plotData(points: Point[]): uPlot.AlignedData {
  return [
    points.map(({ date }) => +date / 1000),
    points.map(({ compared }) => compared ?? null),
    points.map(({ value, isRunning }) => (isRunning ? null : value)),
    points.map(({ value, isRunning }, i) => (isRunning || points[i + 1]?.isRunning ? value : null)),
  ];
}

/** Selects the part between two points, or clears the selection. */
export function selectPoints(chart: uPlot, points: Point[], from: number | null, to: number): void {
  const positionAt = (index: number): number => chart.valToPos(+(points[index]?.date ?? 0) / 1000, 'x');
  const [left, right] = from === null ? [0, 0] : [positionAt(from), positionAt(to)].sort((a, b) => a - b);
  const height = from === null ? 0 : chart.bbox.height / devicePixelRatio;
  chart.setSelect({ left: left ?? 0, top: 0, width: (right ?? 0) - (left ?? 0), height }, false);
}

/** Returns the dates of at most `max` evenly spaced points, in seconds. */
function evenSplits(points: Point[], max: number): number[] {
  const step = Math.max(1, Math.ceil(points.length / Math.max(2, max)));
  return points.filter((_, i) => i % step === 0).map(({ date }) => +date / 1000);
}
