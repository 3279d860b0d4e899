import { ENGAGEMENT } from '../../../../activity/engagement.js';
import type { Amount } from '../../../../statistics/amount.js';
import type { AmountValue, TopQuery } from '../../../../statistics/statistics.store.js';
import { isActivityDimension, type TopRow } from '../../../../statistics/statistics.types.js';
import { type TimeRange } from '../../../../statistics/time/time-range.js';
import { DAY } from '../../../../time/units.js';
import {
  toAmountValues,
  aggregateSql,
  type AggregateRow,
  largestSql,
  rankAmounts,
} from '../../../aggregates.js';
import { numberSql, PAGE } from '../../filter.js';
import { text } from '../../sql.js';
import { VISIT } from '../../tables.js';
import { indexSql, type StatisticsQuery } from '../statistics-query.js';
import { activityValue, addGroupNames, addNames, foundBy, HAS_PROPERTIES, MAY_BE_NULL } from './top.js';

/** An aggregate of the numbers of activities in each interval. */
export async function amounts(
  amount: Amount,
  query: StatisticsQuery,
  range: TimeRange,
  starts: number[],
): Promise<AmountValue[]> {
  const aggregates = buildAggregates(
    amount,
    query.activities(range, HAS_PROPERTIES),
    indexSql('date', starts),
    'NULL',
  );
  const rows = await query.ask<AggregateRow>(aggregates);
  return toAmountValues(amount, rows, starts);
}

/** The values of a dimension with the largest aggregates. */
export async function topAmounts(
  amount: Amount,
  { dimension, property = '', search, limit }: TopQuery,
  query: StatisticsQuery,
  range: TimeRange,
): Promise<TopRow[]> {
  const isOfActivities = isActivityDimension(dimension);
  const column = dimension === 'user' ? 'userId' : dimension;
  const value = isOfActivities ? activityValue(dimension, property) : `visit.${column}`;
  // Renamed, because activities have columns with the same names.
  const visits = `(SELECT id AS visitOf, ${column} AS value ${query.scope.length > 0 ? query.visits() : `FROM ${VISIT} FINAL`})`;
  const activities = query.activities(range, HAS_PROPERTIES);
  const named =
    dimension === 'user' ? `coalesce(visits.value, userId)` : isOfActivities ? value : 'visits.value';
  const joined = isOfActivities
    ? activities
    : `FROM (SELECT *, ${PAGE} ${activities}) activities ${dimension === 'user' ? 'LEFT' : 'INNER'} JOIN ${visits} visits ON activities.visitId = visits.visitOf`;
  const conditions = [
    ...(MAY_BE_NULL.has(dimension) && search === undefined ? [] : ['value IS NOT NULL']),
    ...(search === undefined ? [] : [foundBy(search, 'value', dimension, range, query.scope)]),
  ];
  const aggregates = buildAggregates(amount, joined, '0', named, conditions);
  const rows = await query.ask<AggregateRow>(largestSql(amount, aggregates, limit, (sql) => sql));
  const ranked = rankAmounts(amount, rows, limit);
  if (dimension === 'group') return addGroupNames(query, ranked);
  return dimension === 'user' ? addNames(query, ranked) : ranked;
}

/** @param from what follows `SELECT …`, for activities */
function buildAggregates(
  amount: Amount,
  from: string,
  n: string,
  value: string,
  conditions: string[] = [],
): string {
  const { of } = amount;
  const known = ['number IS NOT NULL', ...conditions].map((condition) => `(${condition})`).join(' AND ');
  const numbers =
    typeof of === 'object'
      ? `SELECT ${n} AS n, ${value} AS value, ${numberSql(of.property)} AS number ${from}`
      : engagements(of, from, n, value);
  return aggregateSql(
    amount,
    `SELECT n, value, assumeNotNull(number) AS number FROM (${numbers}) WHERE ${known}`,
    (sql) => `trunc(${sql})`,
  );
}

function engagements(of: 'timeOnPage' | 'scrollDepth', from: string, n: string, value: string): string {
  const number = numberSql(of === 'timeOnPage' ? 'visible' : 'scroll');
  const [one, all] =
    of === 'timeOnPage'
      ? [`if(ifNull(${number} > 0, false), trunc(least(${number}, ${DAY})), NULL)`, 'sum(one) / 1000']
      : [`if(ifNull(${number} BETWEEN 0 AND 100, false), ${number}, NULL)`, 'max(one)'];
  return `SELECT n, value, ${all} AS number FROM (SELECT ${n} AS n, ${value} AS value, visitId AS ofVisit, ${PAGE} AS ofPage,
    name AS ofName, ${one} AS one ${from}) WHERE ofName = ${text(ENGAGEMENT)} AND ofVisit != '' AND one IS NOT NULL
    GROUP BY n, value, ofVisit, ofPage`;
}
