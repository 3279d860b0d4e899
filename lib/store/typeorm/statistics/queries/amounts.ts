import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { ENGAGEMENT } from '../../../../activity/engagement.js';
import { hostText } from '../../../../activity/referrer.js';
import type { Amount } from '../../../../statistics/amount.js';
import type { AmountValue, TopQuery } from '../../../../statistics/statistics.store.js';
import { isActivityDimension, type TopRow } from '../../../../statistics/statistics.types.js';
import { intervalSql } from '../../../../statistics/time/calendar.js';
import { type TimeRange } from '../../../../statistics/time/time-range.js';
import { DAY } from '../../../../time/units.js';
import {
  toAmountValues,
  aggregateSql,
  type AggregateRow,
  largestSql,
  rankAmounts,
} from '../../../aggregates.js';
import { PAGE } from '../../activity-query.js';
import type { StatisticsQuery } from '../filter/statistics-query.js';
import { VISIT_COLUMNS } from '../rollup/daily-counts/visit-values.js';
import { Path } from '../rollup/tables/rollups.entity.js';
import { Visit } from '../rollup/tables/visit.entity.js';
import { activityValue } from './top/from-activities.js';
import { hasNull } from './top/from-visits.js';
import { addGroupNames, groupsMatching } from './top/group-names.js';
import { search } from './top/rank.js';
import { addUserNames, usersMatching } from './top/user-names.js';

type By = Pick<TopQuery, 'dimension' | 'property' | 'search'>;

/** An aggregate of the numbers of activities in each interval. */
export async function amounts(
  amount: Amount,
  selection: StatisticsQuery,
  range: TimeRange,
  starts: number[],
): Promise<AmountValue[]> {
  return toAmountValues(
    amount,
    await ask(amount, selection, queryNumbers(amount, selection, range, starts)),
    starts,
  );
}

/** The values of a dimension with the largest aggregates. */
export async function topAmounts(
  amount: Amount,
  query: TopQuery,
  selection: StatisticsQuery,
  range: TimeRange,
): Promise<TopRow[]> {
  const numbers = queryNumbers(amount, selection, range, [range.since], query);
  const rows = await ask(amount, selection, numbers, query.limit);
  const ranked = rankAmounts(amount, rows, query.limit);
  if (query.dimension === 'group') return addGroupNames(selection, ranked);
  return query.dimension === 'user' ? addUserNames(selection, ranked) : ranked;
}

async function ask(
  amount: Amount,
  { manager, dialect }: StatisticsQuery,
  numbers: SelectQueryBuilder<ObjectLiteral>,
  limit?: number,
): Promise<AggregateRow[]> {
  const known = `SELECT n, value, number FROM (${numbers.getQuery()}) found WHERE number IS NOT NULL`;
  const aggregates = aggregateSql(amount, known, dialect.whole);
  const sql =
    limit === undefined ? aggregates : largestSql(amount, aggregates, limit, (text) => dialect.binary(text));
  // A query builder turns the parameters into those of the database.
  return manager
    .createQueryBuilder()
    .select('aggregates.*')
    .from(`(${sql})`, 'aggregates')
    .setParameters(numbers.getParameters())
    .getRawMany<AggregateRow>();
}

/** `SELECT [interval] AS n, [value of the dimension] AS value, [number] AS number FROM djaffar_activity WHERE …` */
function queryNumbers(
  { of }: Amount,
  selection: StatisticsQuery,
  range: TimeRange,
  starts: number[],
  by?: By,
): SelectQueryBuilder<ObjectLiteral> {
  const { dialect } = selection;
  const query: SelectQueryBuilder<ObjectLiteral> = selection
    .activities(range)
    .select(intervalSql('activity.date', starts), 'n')
    .andWhere('activity.properties IS NOT NULL');
  const value = by ? joinValue(query, selection, range, by) : 'NULL';
  query.addSelect(value, 'value');
  if (typeof of === 'object')
    return query
      .addSelect(dialect.number('activity.properties', ':numberKey'), 'number')
      .setParameter('numberKey', of.property);
  query
    .andWhere('activity.name = :engagement', { engagement: ENGAGEMENT })
    .andWhere('activity.visitId IS NOT NULL')
    .addSelect('activity.visitId', 'visit')
    .addSelect(PAGE, 'page')
    .setParameter('numberKey', of === 'timeOnPage' ? 'visible' : 'scroll');
  const number = dialect.number('activity.properties', ':numberKey');
  const [one, all] =
    of === 'timeOnPage'
      ? // Whole milliseconds, as in a visit's duration, so that the result does not depend on the order of the sum.
        [
          `CASE WHEN ${number} > ${DAY} THEN ${DAY} WHEN ${number} > 0 THEN ${dialect.whole(number)} END`,
          'SUM(found.number) / 1000e0',
        ]
      : [`CASE WHEN ${number} >= 0 AND ${number} <= 100 THEN ${number} END`, 'MAX(found.number)'];
  query.addSelect(one, 'number');
  const { manager } = selection;
  return manager
    .createQueryBuilder()
    .select('found.n', 'n')
    .addSelect('found.value', 'value')
    .addSelect(all, 'number')
    .from(`(${query.getQuery()})`, 'found')
    .setParameters(query.getParameters())
    .where('found.number IS NOT NULL')
    .groupBy('found.n')
    .addGroupBy('found.value')
    .addGroupBy('found.visit')
    .addGroupBy('found.page');
}

/** Returns the SQL of the dimension's value. Joins the visits if it is a dimension of visits. */
function joinValue(
  query: SelectQueryBuilder<ObjectLiteral>,
  selection: StatisticsQuery,
  range: TimeRange,
  { dimension, property, search: text }: By,
): string {
  if (isActivityDimension(dimension)) {
    const value = activityValue(selection, dimension);
    query.setParameter('property', property).andWhere(`${value} IS NOT NULL`);
    const named =
      dimension === 'group' ? `${value} IN (${groupsMatching(selection, range.since)})` : undefined;
    search(query, value, text, named);
    return value;
  }
  const ofVisit = ['visit.id = activity.visitId'];
  if (selection.isScoped) {
    const visits = selection.visits().select('visit.id');
    ofVisit.push(`visit.id IN (${visits.getQuery()})`);
    query.setParameters(visits.getParameters());
  }
  const condition = ofVisit.join(' AND ');
  if (dimension === 'user') {
    query.leftJoin(Visit, 'visit', condition);
    const user = 'COALESCE(visit.userId, activity.userId)';
    query.andWhere(`${user} IS NOT NULL`);
    search(query, user, text, `${user} IN (${usersMatching(selection, range.since)})`);
    return user;
  }
  query.innerJoin(Visit, 'visit', condition);
  const column = VISIT_COLUMNS[dimension];
  if (dimension === 'entry' || dimension === 'exit') {
    query.innerJoin(Path, 'path', `path.id = ${column}`);
    search(query, 'path.path', text);
    return 'path.path';
  }
  if (!hasNull(dimension)) query.andWhere(`${column} IS NOT NULL`);
  search(query, column, dimension === 'referrer' && text !== undefined ? hostText(text) : text);
  return column;
}
