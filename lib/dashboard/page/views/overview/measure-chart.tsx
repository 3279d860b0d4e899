import type { JSX } from 'preact';
import { useCallback, useMemo } from 'preact/hooks';
import type { Interval, Series, Span } from '../../../../statistics/statistics.types.js';
import { type Point, TimeChart } from '../../chart/time-chart.js';
import { pathOf, useQuestion } from '../../data/question.js';
import { type Answer, useAnswer } from '../../data/use-answer.js';
import { formatDay, formatMonth, formatMoment, formatTime, formatWeekday } from '../../format.js';
import { Answered } from '../../parts/card.js';
import { Tabs } from '../../parts/choice.js';
import { CsvButton } from '../../parts/csv-button.js';
import type { Cell } from '../../parts/download.js';
import { isTable, TableSwitch } from '../../parts/table-switch.js';
import { go, useAddress } from '../../state/address.js';
import { intervalOf, intervalsOf } from '../../state/interval.js';
import { formatFigure, formatShort, MEASURES, type ShownMeasure } from '../../state/measures.js';
import { customParameters } from '../../state/range.js';

const NAMES: Record<Interval, string> = {
  minute: 'Minutes',
  hour: 'Hours',
  day: 'Days',
  week: 'Weeks',
  month: 'Months',
};

interface MeasureChartProps {
  measure: ShownMeasure;
  /** The range that is compared to, once it is known. */
  compared: Span | undefined;
}

/** A measure over time, the comparison behind it; dragging over a part of it narrows the range. */
export function MeasureChart({ measure, compared }: MeasureChartProps): JSX.Element {
  const address = useAddress();
  const { range, parameters } = useQuestion();
  const interval = intervalOf(address, range);
  const kind = { measure, interval };
  const answer = useAnswer<Series>(pathOf('stats/series', kind, parameters), { isFirst: true });
  const before = useAnswer<Series>(
    compared && pathOf('stats/series', kind, parameters, { from: compared.from, to: compared.to }),
  );
  const { timeZone } = range;
  const format = useMemo(() => instantFormat(interval, timeZone), [interval, timeZone]);
  const formatValue = useCallback((value: number) => formatShort(measure, value), [measure]);
  const points = useMemo(
    () => pointsOf(answer, compared ? before : undefined),
    [answer.value, compared ? before.value : undefined],
  );
  const narrow = (first: Point, last: Point): void => {
    const next = points[points.indexOf(last) + 1]?.date ?? range.to;
    const from = new Date(Math.max(+first.date, +range.from));
    go({ ...customParameters(from, next, timeZone), tz: timeZone, interval: null });
  };
  const head = ['Date', MEASURES[measure], ...(compared ? ['Compared to'] : [])];
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
        <Tabs
          label="Interval"
          value={interval}
          options={Object.fromEntries(intervalsOf(range).map((each) => [each, NAMES[each]]))}
          onChange={(chosen) => go({ interval: chosen })}
        />
        <TableSwitch picture="chart" />
        <CsvButton what="the chart" name={`${measure}-by-${interval}`} rows={answer.value && rows} />
      </div>
      <Answered answer={answer} skeleton={<div class="skeleton chart-skeleton" />}>
        {() =>
          isTable(address) ? (
            <PointTable head={head} points={points} measure={measure} format={format.full} />
          ) : (
            <TimeChart
              label={`${MEASURES[measure]} by ${interval}`}
              points={points}
              isWhole={measure !== 'bounceRate'}
              formatValue={formatValue}
              formatTick={format.tick}
              onNarrow={narrow}
              describe={({ date, value, compared: other }) => (
                <>
                  <span class="muted">{format.full(date)}</span>
                  <strong>
                    {formatFigure(measure, value)} {MEASURES[measure].toLowerCase()}
                  </strong>
                  {other !== undefined && <span class="muted">{formatFigure(measure, other)} before</span>}
                </>
              )}
            />
          )
        }
      </Answered>
    </div>
  );
}

interface PointTableProps {
  head: string[];
  points: Point[];
  measure: ShownMeasure;
  format: (date: Date) => string;
}

function PointTable({ head, points, measure, format }: PointTableProps): JSX.Element {
  return (
    <div class="scroll point-table" tabIndex={0} role="region" aria-label="Figures of the chart">
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
          {points.map(({ date, value, compared }) => (
            <tr key={+date}>
              <th scope="row">{format(date)}</th>
              <td>{formatFigure(measure, value)}</td>
              {head.length > 2 && <td>{formatFigure(measure, compared ?? null)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The ranges may differ in length by an hour or a day: what is beyond the other's end has nothing beside it. */
function pointsOf(answer: Answer<Series>, before: Answer<Series> | undefined): Point[] {
  return (answer.value?.points ?? []).map(({ date, value }, i) => ({
    date: new Date(date),
    value,
    ...(before?.value && { compared: before.value.points[i]?.value ?? null }),
  }));
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
