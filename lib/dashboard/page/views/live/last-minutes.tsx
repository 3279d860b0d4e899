import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Series } from '../../../../statistics/statistics.types.js';
import { pathOf } from '../../data/question.js';
import { usePolled } from '../../data/use-polled.js';
import { formatNumber, formatTime } from '../../format.js';

const MINUTE = 60_000;
const MINUTES = 30;

/** The number of activities in each of the last minutes. */
export function LastMinutes({ parameters }: { parameters: Record<string, string> }): JSX.Element {
  const [minute, setMinute] = useState(() => Math.floor(Date.now() / MINUTE));
  useEffect(() => {
    const timer = setInterval(() => setMinute(Math.floor(Date.now() / MINUTE)), 1000);
    return () => clearInterval(timer);
  }, []);
  const span = {
    from: new Date((minute - MINUTES + 1) * MINUTE).toISOString(),
    to: new Date((minute + 1) * MINUTE).toISOString(),
  };
  const { value } = usePolled<Series>(
    pathOf('stats/series', { measure: 'activities', interval: 'minute' }, parameters, span),
    10_000,
  );
  const points = value?.points ?? Array.from({ length: MINUTES }, () => ({ date: span.to, value: 0 }));
  const max = Math.max(1, ...points.map((point) => point.value ?? 0));
  const total = points.reduce((sum, point) => sum + (point.value ?? 0), 0);
  const timeZone = parameters.timeZone ?? 'UTC';
  const ticks = [points[0], points[Math.floor(points.length / 2)], points.at(-1)];
  return (
    <figure class="minutes-chart">
      <figcaption class="muted">Activities per minute, last {MINUTES} minutes</figcaption>
      <div class="minutes-axis muted" aria-hidden="true">
        <span>{formatNumber(max)}</span>
        <span>0</span>
      </div>
      <div
        class="minutes"
        role="img"
        aria-label={`${formatNumber(total)} activities in the last ${MINUTES} minutes, at most ${formatNumber(max)} in one`}
      >
        {points.map((point, i) => (
          <span
            key={i}
            class="minute"
            title={`${formatTime(new Date(point.date), timeZone)}: ${formatNumber(point.value ?? 0)}`}
          >
            <span class="minute-bar" style={{ height: `${(100 * (point.value ?? 0)) / max}%` }} />
          </span>
        ))}
      </div>
      <div class="minutes-times muted" aria-hidden="true">
        {ticks.map((point, i) => (
          <span key={i}>{value && point ? formatTime(new Date(point.date), timeZone) : '\u00A0'}</span>
        ))}
      </div>
    </figure>
  );
}
