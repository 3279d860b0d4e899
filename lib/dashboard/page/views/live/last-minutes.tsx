import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Series } from '../../../../statistics/statistics.types.js';
import { pathOf } from '../../data/question.js';
import { usePolled } from '../../data/use-polled.js';
import { formatNumber, formatTime } from '../../format.js';

const MINUTE = 60_000;
const MINUTES = 30;

/** How much was done in each of the last minutes. */
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
  const most = Math.max(1, ...points.map((point) => point.value ?? 0));
  const total = points.reduce((sum, point) => sum + (point.value ?? 0), 0);
  return (
    <div
      class="minutes"
      role="img"
      aria-label={`${formatNumber(total)} activities in the last ${MINUTES} minutes, at most ${formatNumber(most)} in one`}
    >
      {points.map((point, i) => (
        <span
          key={i}
          class="minute"
          title={`${formatTime(new Date(point.date), parameters.timeZone ?? 'UTC')}: ${formatNumber(point.value ?? 0)}`}
        >
          <span class="minute-bar" style={{ height: `${(100 * (point.value ?? 0)) / most}%` }} />
        </span>
      ))}
    </div>
  );
}
