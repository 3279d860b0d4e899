import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Retention } from '../../../../statistics/statistics.types.js';
import {
  formatDay,
  formatMonth,
  formatNumber,
  formatPercent,
  formatWeekday,
  formatShare,
} from '../../format.js';
import type { Range } from '../../state/range.js';
import { averageCells, BY, type Cell, toCohorts, type Period, PERIODS } from './cohorts.js';

const LABELS: Record<Period, (date: Date, timeZone: string) => string> = {
  day: formatWeekday,
  week: formatDay,
  month: formatMonth,
};

/** A row for each cohort, with a column for each later period. */
export function RetentionTable({ retention, range }: { retention: Retention; range: Range }): JSX.Element {
  const { period, by, timeZone } = retention;
  const cohorts = useMemo(() => toCohorts(retention, range), [retention]);
  const averages = useMemo(() => averageCells(cohorts), [cohorts]);
  const [one, many] = PERIODS[period];
  const people = BY[by].toLowerCase();
  const label = LABELS[period];
  const total = cohorts.reduce((sum, { size }) => sum + size, 0);
  const first = cohorts[0]?.date;
  const notes = [
    ...(cohorts.at(-1)?.cells.at(-1)?.isOver === false
      ? [`Hatched: this ${period} is not over yet, so the average excludes it.`]
      : []),
    ...(first && +first < +range.from
      ? [`The first ${period} is not complete: the range starts on ${formatDay(range.from, timeZone)}.`]
      : []),
  ];
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Retention table">
        <table class="heat-map" style={{ '--columns': cohorts.length }}>
          <caption class="hidden">
            {BY[by]} who came back, by the {period} of the first visit
          </caption>
          <thead>
            <tr>
              <th scope="col" rowSpan={2}>
                <span class="cohort">
                  First visit <span>{BY[by]}</span>
                </span>
              </th>
              <th scope="colgroup" colSpan={cohorts.length}>
                <span class="heat-title">{many} after the first visit</span>
              </th>
            </tr>
            <tr>
              {cohorts.map((_, k) => (
                <th key={k} scope="col">
                  <span class="hidden">{one} </span>
                  {k}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <tr class="average">
              <th scope="row">
                <span class="cohort">
                  Average <span>{formatNumber(total)}</span>
                </span>
              </th>
              {averages.map((cell, k) => (
                <HeatCell key={k} cell={cell} title={`On average, ${period} ${k}`} />
              ))}
            </tr>
            {cohorts.map(({ date, size, cells }) => (
              <tr key={+date}>
                <th scope="row">
                  <span class="cohort">
                    {label(date, timeZone)} <span>{formatNumber(size)}</span>
                  </span>
                </th>
                {cells.map((cell, k) => (
                  <HeatCell
                    key={k}
                    cell={size > 0 ? cell : null}
                    title={`${label(date, timeZone)}, ${period} ${k}: ${formatNumber(cell.count)} of ${formatNumber(size)} ${people}`}
                  />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {notes.length > 0 && <p class="heat-note muted">{notes.join(' ')}</p>}
    </>
  );
}

function HeatCell({ cell, title }: { cell: Cell | null; title: string }): JSX.Element {
  if (!cell) return <td class="muted">–</td>;
  const { share, isOver } = cell;
  return (
    <td
      class={`heat ${isOver ? '' : 'is-open'} ${share > 0 ? '' : 'is-none'}`}
      title={`${title} (${formatPercent(share)})${isOver ? '' : ', not over yet'}`}
      // The square root makes small differences of low shares visible.
      style={{ '--strength': Math.sqrt(share) }}
    >
      {formatShare(share)}
    </td>
  );
}
