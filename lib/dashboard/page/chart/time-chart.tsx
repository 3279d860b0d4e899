import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { useTheme } from '../state/theme.js';
import { mountChart } from './mount-chart.js';
import { type Point, selectPoints } from './plot.js';

interface TimeChartProps {
  /** A description for screen readers. */
  label: string;
  points: Point[];
  /** True if all values are whole numbers. */
  isWhole?: boolean;
  formatValue: (value: number) => string;
  /** Formats a date of the axis. */
  formatTick: (date: Date) => string;
  /** Returns the text next to the cursor. */
  describe: (point: Point) => JSX.Element;
  /** The user has selected a part, by dragging or with the keyboard. */
  onZoom?: (first: Point, last: Point) => void;
}

/** A measure over time, with its comparison. The user can select a part to zoom in. */
export function TimeChart(props: TimeChartProps): JSX.Element {
  const { label, points, isWhole = false, formatValue, formatTick, describe, onZoom } = props;
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  // The plot is created once, and calls the handlers of the latest props.
  const current = useRef(props);
  current.current = props;
  const [hovered, setHovered] = useState<{ index: number; left: number }>();
  const anchor = useRef<number | null>(null);
  const theme = useTheme();

  useEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    const mounted = mountChart(element, {
      points,
      isWhole,
      canZoom: onZoom !== undefined,
      formatValue,
      formatTick,
      onHover: setHovered,
      onSelect: (first, last) => zoom(current.current, first, last),
    });
    plot.current = mounted.chart;
    return () => {
      mounted.destroy();
      setHovered(undefined);
    };
  }, [points, theme, isWhole, formatValue, formatTick]);

  const onKeyDown = (event: KeyboardEvent): void => {
    const chart = plot.current;
    if (!chart) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step !== undefined) {
      const start = typeof chart.cursor.idx === 'number' && hovered ? chart.cursor.idx : undefined;
      const next = (start ?? (step > 0 ? -1 : points.length)) + step;
      const index = Math.min(points.length - 1, Math.max(0, next));
      anchor.current = event.shiftKey ? (anchor.current ?? start ?? index) : null;
      const left = chart.valToPos(+(points[index]?.date ?? 0) / 1000, 'x');
      chart.setCursor({ left, top: 0 });
      selectPoints(chart, points, anchor.current, index);
    } else if (event.key === 'Enter' && anchor.current !== null && hovered) {
      zoom(current.current, anchor.current, hovered.index);
    } else if (event.key === 'Escape') {
      anchor.current = null;
      chart.setCursor({ left: -10, top: -10 });
      selectPoints(chart, points, null, 0);
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
        aria-label={`${label}. Use the arrow keys to move${onZoom ? ', hold Shift to select a part, and press Enter to zoom in' : ''}.`}
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
