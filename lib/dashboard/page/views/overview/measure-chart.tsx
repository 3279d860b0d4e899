import type { JSX } from 'preact';
import { useCallback, useMemo } from 'preact/hooks';
import type { Interval, Measure, Series, Span } from '../../../../statistics/statistics.types.js';
import type { Point } from '../../chart/plot.js';
import { TimeChart } from '../../chart/time-chart.js';
import { pathOf, useQuestion } from '../../data/question.js';
import { useQuery } from '../../data/use-query.js';
import {
  formatDay,
  formatMonth,
  formatMoment,
  formatRange,
  formatTime,
  formatWeekday,
} from '../../format.js';
import { QueryResult } from '../../parts/card.js';
import { isTable, TableSwitch, Tabs } from '../../parts/choice.js';
import { type Cell, ExportButton } from '../../parts/export-button.js';
import { useAbout } from '../../state/about.js';
import { isCovered, formatMeasure, formatShort, MEASURES } from '../../state/measures.js';
import { navigate, useUrl } from '../../state/url.js';
import { parseInterval, listIntervals } from '../../state/interval.js';
import { useNow } from '../../state/now.js';
import { COMPARISONS, parseComparison, customParameters, type Range } from '../../state/range.js';
import { noDataBefore } from './measure-cards.js';

const NAMES: Record<Interval, string> = {
  minute: 'Minutes',
  hour: 'Hours',
  day: 'Days',
  week: 'Weeks',
  month: 'Months',
};

interface MeasureChartProps {
  measure: Measure;
  /** The compared range, when it is known. */
  compared: Span | undefined;
}

/** A measure over time, with its comparison; dragging over a part zooms in. */
export function MeasureChart({ measure, compared: asked }: MeasureChartProps): JSX.Element {
  const url = useUrl();
  const now = useNow();
  const { since } = useAbout();
  const compared = asked && isCovered(asked, since) ? asked : undefined;
  const { range, parameters } = useQuestion();
  const interval = parseInterval(url, range);
  const kind = { measure, interval };
  const answer = useQuery<Series>(pathOf('stats/series', kind, parameters), { priority: true });
  const before = useQuery<Series>(
    compared && pathOf('stats/series', kind, parameters, { from: compared.from, to: compared.to }),
  );
  const { timeZone } = range;
  const format = useMemo(() => instantFormat(interval, timeZone), [interval, timeZone]);
  const formatValue = useCallback((value: number) => formatShort(measure, value), [measure]);
  const points = useMemo(
    () => toPoints(answer.value?.points ?? [], compared && before.value?.points, range, now),
    [answer.value, compared && before.value, now],
  );
  const zoom = (first: Point, last: Point): void => {
    const next = points[points.indexOf(last) + 1]?.date ?? range.to;
    const from = new Date(Math.max(+first.date, +range.from));
    navigate({ ...customParameters(from, next, timeZone), tz: timeZone, interval: null });
  };
  const comparison = COMPARISONS[parseComparison(url)];
  const head = ['Date', MEASURES[measure], ...(compared ? [comparison] : [])];
  const rows = (): Cell[][] => [
    head,
    ...points.map(({ date, value, compared: other }) => [
      date.toISOString(),
      value,
      ...(compared ? [other ?? null] : []),
    ]),
  ];

  return (
    <div class="measure-chart">
      <div class="chart-actions">
        {asked && (
          <p class={`chart-legend ${compared ? 'is-compared' : ''}`}>
            {compared
              ? `${comparison}: ${formatRange(new Date(compared.from), new Date(compared.to), timeZone)}`
              : `${noDataBefore(since, timeZone)}, so there is no comparison`}
          </p>
        )}
        <Tabs
          label="Interval"
          value={interval}
          options={Object.fromEntries(listIntervals(range).map((each) => [each, NAMES[each]]))}
          onChange={(chosen) => navigate({ interval: chosen })}
        />
        <TableSwitch picture="chart" />
        <ExportButton label="the chart" name={`${measure}-by-${interval}`} getRows={answer.value && rows} />
      </div>
      <QueryResult answer={answer} skeleton={<div class="skeleton chart-skeleton" />}>
        {() =>
          isTable(url) ? (
            <PointTable head={head} points={points} measure={measure} format={format.full} />
          ) : (
            <TimeChart
              label={`${MEASURES[measure]} by ${interval}`}
              points={points}
              isWhole={measure !== 'bounceRate'}
              formatValue={formatValue}
              formatTick={format.tick}
              onZoom={zoom}
              describe={({ date, value, compared: other, isRunning }) => (
                <>
                  <span class="muted">{format.full(date)}</span>
                  <strong>
                    {formatMeasure(measure, value)} {MEASURES[measure].toLowerCase()}
                    {isRunning && ' so far'}
                  </strong>
                  {other !== undefined && (
                    <span class="muted">
                      {comparison}: {formatMeasure(measure, other)}
                    </span>
                  )}
                </>
              )}
            />
          )
        }
      </QueryResult>
    </div>
  );
}

interface PointTableProps {
  head: string[];
  points: Point[];
  measure: Measure;
  format: (date: Date) => string;
}

function PointTable({ head, points, measure, format }: PointTableProps): JSX.Element {
  return (
    <div class="scroll point-table" tabIndex={0} role="region" aria-label="Values of the chart">
      <table class="plain-table">
        <thead>
          <tr>
            {head.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {points.map(({ date, value, compared, isRunning }) => (
            <tr key={+date}>
              <th scope="row">
                {format(date)}
                {isRunning && ' (so far)'}
              </th>
              <td>{formatMeasure(measure, value)}</td>
              {head.length > 2 && <td>{formatMeasure(measure, compared ?? null)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

type SeriesPoint = Series['points'][number];

/** Combines the points of both ranges. If this range is longer, by an hour or a day, its last points have no comparison. */
function toPoints(
  points: SeriesPoint[],
  before: SeriesPoint[] | undefined,
  range: Range,
  now: Date,
): Point[] {
  return points.map(({ date, value }, i) => {
    const start = new Date(date);
    const end = new Date(points[i + 1]?.date ?? range.to);
    const hasBegun = +start <= +now;
    return {
      date: start,
      value: hasBegun ? value : null,
      isRunning: hasBegun && +end >= +now,
      ...(before && { compared: before[i]?.value ?? null }),
    };
  });
}

interface InstantFormat {
  tick: (date: Date) => string;
  full: (date: Date) => string;
}

function instantFormat(interval: Interval, timeZone: string): InstantFormat {
  if (interval === 'month') {
    const month = (date: Date): string => formatMonth(date, timeZone);
    return { tick: month, full: month };
  }
  if (interval === 'day' || interval === 'week')
    return { tick: (date) => formatDay(date, timeZone), full: (date) => formatWeekday(date, timeZone) };
  return { tick: (date) => formatTime(date, timeZone), full: (date) => formatMoment(date, timeZone) };
}
