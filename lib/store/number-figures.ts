import { type Amount, WHOLE } from '../statistics/amount.js';
import type { AmountValue } from '../statistics/statistics.store.js';
import type { TopRow } from '../statistics/statistics.types.js';
import { byRank } from './ranking.js';

/** Parts of a sum: sums of whole numbers, each exact in double precision. */
const [HIGH, LOW] = [2 ** 26, 2 ** 15];
const NANO = 1e9;
/** Rows besides those of the answer: the database rounds figures, so that equal ones may be in another order there. */
const SPARE_ROWS = 1000;

/** A row of {@link figureSql}. */
export interface FigureRow {
  /** The number of the interval. */
  n: number | string;
  /** The value of the dimension. */
  value: string | null;
  count: number | string;
  first?: number | string | null;
  second?: number | string | null;
  third?: number | string | null;
  fourth?: number | string | null;
}

/**
 * The SQL of a figure for each interval and value. It runs on every database, and does not depend on the order of the rows.
 * @param numbers the SQL of rows of `n`, `value` and `number`, without those that have no number
 * @param whole the SQL of a number without its decimals
 */
export function figureSql(
  { figure }: Pick<Amount, 'figure'>,
  numbers: string,
  whole: (sql: string) => string,
): string {
  if (figure === 'min' || figure === 'max')
    return `SELECT n, value, COUNT(*) AS count, ${figure.toUpperCase()}(number) AS first FROM (${numbers}) numbers GROUP BY n, value`;
  if (typeof figure === 'object') {
    // In whole numbers, as a product of decimals may be rounded differently.
    const rank = `(${figure.percentile} * (total - 1))`;
    const place = `((${rank} - ${rank} % ${WHOLE}) / ${WHOLE})`;
    const placed = `SELECT n, value, number, ROW_NUMBER() OVER (PARTITION BY n, value ORDER BY number) - 1 AS place,
      COUNT(*) OVER (PARTITION BY n, value) AS total FROM (${numbers}) numbers`;
    return `SELECT n, value, MAX(total) AS count, MAX(CASE WHEN place = ${place} THEN number END) AS first,
      MAX(CASE WHEN place = ${place} + 1 THEN number END) AS second FROM (${placed}) placed GROUP BY n, value`;
  }
  const units = whole('number');
  const high = whole(`units / ${HIGH}e0`);
  const nanos = whole(`(number - ${units}) * ${NANO}e0 + CASE WHEN number < 0 THEN -0.5e0 ELSE 0.5e0 END`);
  const low = whole(`nanos / ${LOW}e0`);
  const split = `SELECT n, value, ${units} AS units, ${nanos} AS nanos FROM (${numbers}) numbers`;
  return `SELECT n, value, COUNT(*) AS count, SUM(${high}) AS first, SUM(units - ${high} * ${HIGH}e0) AS second,
    SUM(${low}) AS third, SUM(nanos - ${low} * ${LOW}e0) AS fourth FROM (${split}) split GROUP BY n, value`;
}

/**
 * The SQL of the rows with the largest figures, among them those of {@link rankAmounts}.
 * @param figures the SQL of {@link figureSql}
 * @param binary the SQL of a text that is ordered by code points
 */
export function largestSql(
  amount: Pick<Amount, 'figure'>,
  figures: string,
  limit: number,
  binary: (sql: string) => string,
): string {
  return `SELECT largest.* FROM (${figures}) largest ORDER BY ${roundedSql(amount)} DESC,
    CASE WHEN largest.value IS NULL THEN 0 ELSE 1 END, ${binary('largest.value')} LIMIT ${limit + SPARE_ROWS}`;
}

/** Computes the same as {@link figureOf}, with the rounding errors of double precision. */
function roundedSql({ figure }: Pick<Amount, 'figure'>): string {
  const [first, second, count] = ['largest.first', 'largest.second', 'largest.count'];
  if (figure === 'min' || figure === 'max') return first;
  if (typeof figure === 'object')
    return `(${first} + (COALESCE(${second}, ${first}) - ${first}) * ((${figure.percentile} * (${count} - 1)) % ${WHOLE}) / ${WHOLE}e0)`;
  const sum = `(${first} * ${HIGH}e0 + ${second} + (largest.third * ${LOW}e0 + largest.fourth) / ${NANO}e0)`;
  return figure === 'sum' ? sum : `${sum} / ${count}`;
}

/** For each interval its figure; nothing adds up to 0, and has no other figure. */
export function amountsOf(amount: Amount, rows: FigureRow[], starts: number[]): AmountValue[] {
  const found = new Map(rows.map((row) => [Number(row.n), row]));
  return starts.map((_, n) => {
    const row = found.get(n);
    const nothing = { value: amount.figure === 'sum' ? 0 : null, count: 0 };
    return row ? { value: figureOf(amount, row), count: Number(row.count) } : nothing;
  });
}

/** The values with the largest figures. */
export function rankAmounts(amount: Amount, rows: FigureRow[], limit: number): TopRow[] {
  return rows
    .map((row) => ({ value: row.value, count: figureOf(amount, row) }))
    .sort(byRank)
    .slice(0, limit);
}

/** Returns the figure of a row of {@link figureSql}. The row counts at least one number. */
function figureOf({ figure }: Pick<Amount, 'figure'>, row: FigureRow): number {
  const count = Number(row.count);
  const [first, second] = [Number(row.first ?? 0), Number(row.second ?? 0)];
  if (figure === 'min' || figure === 'max') return first;
  if (typeof figure === 'object') {
    const rest = (figure.percentile * (count - 1)) % WHOLE;
    return rest === 0 ? first : first + ((second - first) * rest) / WHOLE;
  }
  const nanos =
    (BigInt(first) * BigInt(HIGH) + BigInt(second)) * BigInt(NANO) +
    BigInt(Number(row.third ?? 0)) * BigInt(LOW) +
    BigInt(Number(row.fourth ?? 0));
  const sum = Number(decimal(nanos));
  return figure === 'sum' ? sum : sum / count;
}

/** Nine decimals. To divide a number of this size would round twice. */
function decimal(nanos: bigint): string {
  const digits = String(nanos < 0n ? -nanos : nanos).padStart(10, '0');
  return `${nanos < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}
