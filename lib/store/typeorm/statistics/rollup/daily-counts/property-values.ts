import type { EntityManager } from 'typeorm';
import { Activity } from '../../../../../activity/activity.js';
import { dialectOf } from '../../../../../database/dialects/dialect.js';
import { leaveOutBots } from '../../../activity-query.js';
import { DAY } from '../../../../../time/units.js';

/** The number of activities of a name with a value. */
export type ValueCount = [name: string, value: string, activities: number];

/** A day with more values of a property is not cached. */
const MAX_VALUES = 1000;

/** Activities per name and value of a property on a day, as JSON of {@link ValueCount}. */
export async function propertyValuesOn(
  day: number,
  property: string,
  manager: EntityManager,
): Promise<string | null> {
  const dialect = dialectOf(manager.connection);
  const value = dialect.property('activity.properties', ':property');
  const query = manager
    .createQueryBuilder(Activity, 'activity')
    .select('activity.name', 'name')
    .addSelect(value, 'value')
    .addSelect('COUNT(*)', 'count')
    .where('activity.date >= :since AND activity.date < :until', { since: day, until: day + DAY })
    .andWhere('activity.properties IS NOT NULL')
    .andWhere(`${value} IS NOT NULL`, { property })
    .groupBy('activity.name')
    .addGroupBy('value')
    .orderBy('name')
    .addOrderBy('value')
    .limit(MAX_VALUES + 1);
  leaveOutBots(query);
  const rows = await query.getRawMany<{ name: string; value: string; count: string | number }>();
  if (rows.length > MAX_VALUES) return null;
  return JSON.stringify(rows.map(({ name, value: text, count }): ValueCount => [name, text, Number(count)]));
}
