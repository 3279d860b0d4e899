import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { useTheme } from '../state/theme.js';
import { paletteOf } from './palette.js';

export interface Point {
  date: Date;
  value: number | null;
  /** Of the same place in the range that is compared. */
  compared?: number | null | undefined;
  /** The interval is not over yet. */
  isRunning?: boolean;
}

interface TimeChartProps {
  /** What it shows, for those who do not see it. */
  label: string;
  points: Point[];
  /** Whether there is nothing between two whole numbers. */
  isWhole?: boolean;
  formatValue: (value: number) => string;
  /** At the axis. */
  formatTick: (date: Date) => string;
  /** What stands beside the cursor. */
  describe: (point: Point) => JSX.Element;
  /** A part was chosen, by dragging or with the keyboard. */
  onZoom?: (first: Point, last: Point) => void;
}

const HEIGHT = 260;

/** CSS pixels of a canvas, which does not follow the width of the paper by itself: A4 and Letter have room for it. */
const PRINT_WIDTH = 640;

/** Steps of an axis of whole numbers. */
const WHOLE = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat();

/** A measure over time, with the comparison behind it; a part of it can be chosen. */
export function TimeChart(props: TimeChartProps): JSX.Element {
  const { label, points, isWhole = false, formatValue, formatTick, describe, onZoom } = props;
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  // What is drawn once calls what is current.
  const current = useRef(props);
  current.current = props;
  const [hovered, setHovered] = useState<{ index: number; left: number }>();
  const anchor = useRef<number | null>(null);
  const theme = useTheme();

  useEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    let palette = paletteOf(element);
    const line = (): string => palette.line;
    const fill = (): string => palette.fill;
    const axis = (): string => palette.axis;
    const isSingle = points.length === 1;
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        padding: [12, 28, 0, 4],
        cursor: {
          y: false,
          drag: { x: onZoom !== undefined, y: false, setScale: false },
          points: { size: 9, width: 2, stroke: line, fill: axis },
        },
        scales: {
          x: { time: true },
          y: { range: (_, _min, max) => [0, max > 0 ? max * 1.08 : 1] },
        },
        axes: [
          {
            stroke: axis,
            grid: { show: false },
            ticks: { show: false },
            size: 34,
            gap: 9,
            font: '12px system-ui, sans-serif',
            // At the intervals themselves, wherever the time zone has them.
            splits: (self) => spread(points, Math.floor(self.width / 90)),
            values: (_, splits) => splits.map((split) => formatTick(new Date(split * 1000))),
          },
          {
            stroke: axis,
            size: (_, values) => 14 + 7 * Math.max(0, ...(values ?? []).map(({ length }) => length)),
            grid: { stroke: () => palette.grid, width: 1 },
            ticks: { show: false },
            font: '12px system-ui, sans-serif',
            ...(isWhole && { incrs: WHOLE }),
            values: (_, splits) => splits.map(formatValue),
          },
        ],
        series: [
          {},
          { stroke: () => palette.compared, width: 1.5, dash: [4, 4], points: { show: isSingle } },
          { stroke: line, fill, width: 2, points: { show: isSingle, size: 8 } },
          // What is still to come may change the last point.
          { stroke: line, fill, width: 2, dash: [5, 4], points: { show: isSingle, size: 8 } },
        ],
        hooks: {
          setCursor: [
            ({ cursor: { idx, left } }) =>
              setHovered(
                typeof idx === 'number' && left !== undefined && left >= 0 ? { index: idx, left } : undefined,
              ),
          ],
          setSelect: [
            (self) => {
              const { left, width } = self.select;
              if (width < 8) return;
              zoom(current.current, self.posToIdx(left), self.posToIdx(left + width));
              self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
        },
      },
      [
        points.map(({ date }) => +date / 1000),
        points.map((point) => point.compared ?? null),
        points.map(({ value, isRunning }) => (isRunning ? null : value)),
        points.map(({ value, isRunning }, i) => (isRunning || points[i + 1]?.isRunning ? value : null)),
      ],
      element,
    );
    plot.current = chart;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) chart.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    observer.observe(element);
    const draw = (scheme: string, width: number): void => {
      palette = paletteOf(element, scheme);
      chart.setSize({ width, height: HEIGHT });
      chart.redraw();
    };
    const onBeforePrint = (): void => draw('light', PRINT_WIDTH);
    const onAfterPrint = (): void => draw('', element.clientWidth);
    addEventListener('beforeprint', onBeforePrint);
    addEventListener('afterprint', onAfterPrint);
    return () => {
      removeEventListener('beforeprint', onBeforePrint);
      removeEventListener('afterprint', onAfterPrint);
      observer.disconnect();
      chart.destroy();
      setHovered(undefined);
    };
  }, [points, theme, isWhole, formatValue, formatTick]);

  const onKeyDown = (event: KeyboardEvent): void => {
    const chart = plot.current;
    if (!chart) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step !== undefined) {
      const start = typeof chart.cursor.idx === 'number' && hovered ? chart.cursor.idx : undefined;
      const index = Math.min(
        points.length - 1,
        Math.max(0, (start ?? (step > 0 ? -1 : points.length)) + step),
      );
      anchor.current = event.shiftKey ? (anchor.current ?? start ?? index) : null;
      const left = chart.valToPos(+(points[index]?.date ?? 0) / 1000, 'x');
      chart.setCursor({ left, top: 0 });
      select(chart, points, anchor.current, index);
    } else if (event.key === 'Enter' && anchor.current !== null && hovered) {
      zoom(current.current, anchor.current, hovered.index);
    } else if (event.key === 'Escape') {
      anchor.current = null;
      chart.setCursor({ left: -10, top: -10 });
      select(chart, points, null, 0);
    } else return;
    event.preventDefault();
  };

  const point = hovered && points[hovered.index];
  const isRight = hovered && frame.current && hovered.left > frame.current.clientWidth / 2;
  return (
    <div class="chart">
      <div
        ref={frame}
        class="chart-frame"
        role="application"
        aria-roledescription="chart"
        aria-label={`${label}. Arrow keys go through it${onZoom ? '; with Shift they choose a part, and Enter zooms in on it' : ''}.`}
        tabIndex={0}
        onKeyDown={onKeyDown}
      />
      {point && (
        <div
          class={`chart-tip ${isRight ? 'is-left' : ''}`}
          role="status"
          style={{ left: `${hovered.left + (plot.current?.bbox.left ?? 0) / devicePixelRatio}px` }}
        >
          {describe(point)}
        </div>
      )}
    </div>
  );
}

function zoom({ points, onZoom }: TimeChartProps, one: number, other: number): void {
  const first = points[Math.min(one, other)];
  const last = points[Math.max(one, other)];
  if (first && last && first !== last) onZoom?.(first, last);
}

function select(chart: uPlot, points: Point[], from: number | null, to: number): void {
  const place = (index: number): number => chart.valToPos(+(points[index]?.date ?? 0) / 1000, 'x');
  const [left, right] = from === null ? [0, 0] : [place(from), place(to)].sort((a, b) => a - b);
  const height = from === null ? 0 : chart.bbox.height / devicePixelRatio;
  chart.setSelect({ left: left ?? 0, top: 0, width: (right ?? 0) - (left ?? 0), height }, false);
}

/** So many of the points' instants at most, in even steps, in seconds. */
function spread(points: Point[], max: number): number[] {
  const step = Math.max(1, Math.ceil(points.length / Math.max(2, max)));
  return points.filter((_, i) => i % step === 0).map(({ date }) => +date / 1000);
}
