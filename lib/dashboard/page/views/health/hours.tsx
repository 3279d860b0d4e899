import type { JSX } from 'preact';
import type { HealthHour } from '../../../../health/health.types.js';
import { formatMoment, formatNumber } from '../../format.js';

interface HoursProps {
  hours: HealthHour[];
  timeZone: string;
}

/** If there are more hours, each bar stands for several. */
const MAX_BARS = 48;

/** Stacked bars of stored, dropped and refused activities. */
export function Hours({ hours, timeZone }: HoursProps): JSX.Element {
  const bars = grouped(hours);
  const max = Math.max(1, ...bars.map(sum));
  const total = (key: 'stored' | 'dropped' | 'refused'): number =>
    hours.reduce((all, hour) => all + hour[key], 0);
  const share = (value: number): { height: string } => ({ height: `${(100 * value) / max}%` });
  const ticks = [bars[0], bars[Math.floor(bars.length / 2)], bars.at(-1)];
  return (
    <figure class="minutes-chart health-hours">
      <figcaption class="legend">
        <span class="is-stored">Activities stored: {formatNumber(total('stored'))}</span>
        <span class="is-dropped">Dropped: {formatNumber(total('dropped'))}</span>
        <span class="is-refused">Requests refused: {formatNumber(total('refused'))}</span>
      </figcaption>
      <div class="minutes-axis muted" aria-hidden="true">
        <span>{formatNumber(max)}</span>
        <span>0</span>
      </div>
      <div
        class="minutes"
        role="img"
        aria-label={`${total('stored')} activities stored, ${total('dropped')} dropped, and ${total('refused')} requests refused, by time`}
      >
        {bars.map((bar) => (
          <span
            key={bar.start}
            class="minute health-hour"
            title={`${formatMoment(new Date(bar.start), timeZone)}: ${formatNumber(bar.stored)} stored, ${formatNumber(bar.dropped)} dropped, ${formatNumber(bar.refused)} refused`}
          >
            <span class="is-refused" style={share(bar.refused)} />
            <span class="is-dropped" style={share(bar.dropped)} />
            <span class="is-stored" style={share(bar.stored)} />
          </span>
        ))}
      </div>
      <div class="minutes-times muted" aria-hidden="true">
        {ticks.map((bar, i) => (
          <span key={i}>{bar ? formatMoment(new Date(bar.start), timeZone) : '\u00A0'}</span>
        ))}
      </div>
    </figure>
  );
}

const sum = ({ stored, dropped, refused }: HealthHour): number => stored + dropped + refused;

function grouped(hours: HealthHour[]): HealthHour[] {
  const size = Math.ceil(hours.length / MAX_BARS);
  const bars: HealthHour[] = [];
  hours.forEach((hour, i) => {
    const bar = bars.at(-1);
    if (!bar || i % size === 0) bars.push({ ...hour });
    else {
      bar.stored += hour.stored;
      bar.dropped += hour.dropped;
      bar.refused += hour.refused;
    }
  });
  return bars;
}
