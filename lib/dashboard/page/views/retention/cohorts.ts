import { TZDateMini } from '@date-fns/tz';
import type { Retention } from '../../../../statistics/statistics.types.js';
import { typedKeys } from '../../state/keys.js';
import type { Range } from '../../state/range.js';

export type Period = Retention['period'];
export type By = Retention['by'];

/** Singular and plural. */
export const PERIODS: Record<Period, [one: string, many: string]> = {
  day: ['Day', 'Days'],
  week: ['Week', 'Weeks'],
  month: ['Month', 'Months'],
};

export const BY: Record<By, string> = { user: 'Users', session: 'Visitors' };

const DAY = 24 * 3_600_000;

/** The longest ranges for which the table is readable. */
const MAX_RANGE: Record<Period, number> = { day: 95 * DAY, week: 740 * DAY, month: Infinity };

export function listPeriods(range: Range): Period[] {
  return typedKeys(PERIODS).filter((period) => +range.to - +range.from <= MAX_RANGE[period]);
}

/** Returns the period of the URL, if its table is readable for the range. */
export function parsePeriod(url: URLSearchParams, range: Range): Period {
  const length = +range.to - +range.from;
  const usual: Period = length <= 14 * DAY ? 'day' : length <= 200 * DAY ? 'week' : 'month';
  const given = url.get('period');
  return listPeriods(range).find((each) => each === given) ?? usual;
}

export function parseBy(url: URLSearchParams): By {
  return url.get('by') === 'session' ? 'session' : 'user';
}

export interface Cell {
  count: number;
  share: number;
  /** Whether the period is over; otherwise more may come back. */
  isOver: boolean;
}

export interface Cohort {
  date: Date;
  size: number;
  cells: Cell[];
}

/** A period is over after its whole length, even if the range ends before. */
export function toCohorts({ period, cohorts }: Retention, range: Range): Cohort[] {
  const last = cohorts.at(-1);
  const isLastOver =
    last !== undefined && addPeriod(new Date(last.date), period, range.timeZone) <= +range.to;
  return cohorts.map(({ date, size, returned }, i) => ({
    date: new Date(date),
    size,
    cells: returned.map((count, k) => ({
      count,
      share: size > 0 ? count / size : 0,
      isOver: isLastOver || i + k < cohorts.length - 1,
    })),
  }));
}

function addPeriod(start: Date, period: Period, timeZone: string): number {
  const end = new TZDateMini(+start, timeZone);
  if (period === 'month') end.setMonth(end.getMonth() + 1);
  else end.setDate(end.getDate() + (period === 'week' ? 7 : 1));
  return +end;
}

/** Returns averages over all cohorts by the number of periods; `null` if no such period is over yet. */
export function averageCells(cohorts: Cohort[]): (Cell | null)[] {
  const columns = cohorts[0]?.cells ?? [];
  return columns.map((_, k) => {
    let [count, size] = [0, 0];
    for (const cohort of cohorts) {
      const cell = cohort.cells[k];
      if (!cell?.isOver) continue;
      count += cell.count;
      size += cohort.size;
    }
    return size > 0 ? { count, share: count / size, isOver: true } : null;
  });
}
