import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { useTheme } from '../state/theme.js';
import { paletteOf } from './palette.js';
import { HEIGHT, plotData, plotOptions, type Point, selectPoints } from './plot.js';

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

/** CSS pixels. A canvas does not adapt to the width of the paper; this width is right for A4 and Letter. */
const PRINT_WIDTH = 640;

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
    let palette = paletteOf(element);
    const options = plotOptions({
      points,
      width: element.clientWidth,
      isWhole,
      canZoom: onZoom !== undefined,
      formatValue,
      formatTick,
      palette: () => palette,
      onHover: setHovered,
      onSelect: (first, last) => zoom(current.current, first, last),
    });
    const chart = new uPlot(options, plotData(points), element);
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
