import { type Amount, WHOLE } from '../statistics/amount.js';
import type { AmountValue } from '../statistics/statistics.store.js';
import type { TopRow } from '../statistics/statistics.types.js';
import { byRank } from './ranking.js';

/** Parts of a sum: sums of whole numbers, each exact in double precision. */
const [HIGH, LOW] = [2 ** 26, 2 ** 15];
const NANO = 1e9;
/** Rows besides those of the answer: the database rounds aggregates, so that equal ones may be in another order there. */
const SPARE_ROWS = 1000;

/** A row of {@link aggregateSql}. */
export interface AggregateRow {
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
 * The SQL of an aggregate for each interval and value. It runs on every database, and does not depend on the order of the rows.
 * @param numbers the SQL of rows of `n`, `value` and `number`, without those that have no number
 * @param whole the SQL of a number without its decimals
 */
export function aggregateSql(
  { aggregate }: Pick<Amount, 'aggregate'>,
  numbers: string,
  whole: (sql: string) => string,
): string {
  if (aggregate === 'min' || aggregate === 'max')
    return `SELECT n, value, COUNT(*) AS count, ${aggregate.toUpperCase()}(number) AS first FROM (${numbers}) numbers GROUP BY n, value`;
  if (typeof aggregate === 'object') {
    // In whole numbers, as a product of decimals may be rounded differently.
    const rank = `(${aggregate.percentile} * (total - 1))`;
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
 * The SQL of the rows with the largest aggregates, among them those of {@link rankAmounts}.
 * @param aggregates the SQL of {@link aggregateSql}
 * @param binary the SQL of a text that is ordered by code points
 */
export function largestSql(
  amount: Pick<Amount, 'aggregate'>,
  aggregates: string,
  limit: number,
  binary: (sql: string) => string,
): string {
  return `SELECT largest.* FROM (${aggregates}) largest ORDER BY ${roundedSql(amount)} DESC,
    CASE WHEN largest.value IS NULL THEN 0 ELSE 1 END, ${binary('largest.value')} LIMIT ${limit + SPARE_ROWS}`;
}

/** Computes the same as {@link computeAggregate}, with the rounding errors of double precision. */
function roundedSql({ aggregate }: Pick<Amount, 'aggregate'>): string {
  const [first, second, count] = ['largest.first', 'largest.second', 'largest.count'];
  if (aggregate === 'min' || aggregate === 'max') return first;
  if (typeof aggregate === 'object')
    return `(${first} + (COALESCE(${second}, ${first}) - ${first}) * ((${aggregate.percentile} * (${count} - 1)) % ${WHOLE}) / ${WHOLE}e0)`;
  const sum = `(${first} * ${HIGH}e0 + ${second} + (largest.third * ${LOW}e0 + largest.fourth) / ${NANO}e0)`;
  return aggregate === 'sum' ? sum : `${sum} / ${count}`;
}

/** For each interval its aggregate; nothing adds up to 0, and has no other aggregate. */
export function toAmountValues(amount: Amount, rows: AggregateRow[], starts: number[]): AmountValue[] {
  const found = new Map(rows.map((row) => [Number(row.n), row]));
  return starts.map((_, n) => {
    const row = found.get(n);
    const nothing = { value: amount.aggregate === 'sum' ? 0 : null, count: 0 };
    return row ? { value: computeAggregate(amount, row), count: Number(row.count) } : nothing;
  });
}

/** The values with the largest aggregates. */
export function rankAmounts(amount: Amount, rows: AggregateRow[], limit: number): TopRow[] {
  return rows
    .map((row) => ({ value: row.value, count: computeAggregate(amount, row) }))
    .sort(byRank)
    .slice(0, limit);
}

/** Returns the aggregate of a row of {@link aggregateSql}. The row counts at least one number. */
function computeAggregate({ aggregate }: Pick<Amount, 'aggregate'>, row: AggregateRow): number {
  const count = Number(row.count);
  const [first, second] = [Number(row.first ?? 0), Number(row.second ?? 0)];
  if (aggregate === 'min' || aggregate === 'max') return first;
  if (typeof aggregate === 'object') {
    const rest = (aggregate.percentile * (count - 1)) % WHOLE;
    return rest === 0 ? first : first + ((second - first) * rest) / WHOLE;
  }
  const nanos =
    (BigInt(first) * BigInt(HIGH) + BigInt(second)) * BigInt(NANO) +
    BigInt(Number(row.third ?? 0)) * BigInt(LOW) +
    BigInt(Number(row.fourth ?? 0));
  const sum = Number(decimal(nanos));
  return aggregate === 'sum' ? sum : sum / count;
}

/** Nine decimals. To divide a number of this size would round twice. */
function decimal(nanos: bigint): string {
  const digits = String(nanos < 0n ? -nanos : nanos).padStart(10, '0');
  return `${nanos < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}
