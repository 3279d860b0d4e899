import type { EntityManager } from 'typeorm';
import { DAY } from '../../../../../time/units.js';
import { Visit } from '../tables/visit.entity.js';

/** The column of each dimension that visits have; entry and exit are path ids. */
export const VISIT_COLUMNS = {
  entry: 'visit.entry',
  exit: 'visit.exit',
  referrer: 'visit.referrer',
  utmSource: 'visit.utmSource',
  utmMedium: 'visit.utmMedium',
  utmCampaign: 'visit.utmCampaign',
  utmTerm: 'visit.utmTerm',
  utmContent: 'visit.utmContent',
  browser: 'visit.browser',
  system: 'visit.system',
  device: 'visit.device',
  country: 'visit.country',
  language: 'visit.language',
  user: 'visit.userId',
} as const;

export type VisitDimension = keyof typeof VISIT_COLUMNS;

/** The number of visits with a value, or without one. */
export type VisitCount = [value: string | number | null, visits: number];

export function isVisitColumn(dimension: string): dimension is VisitDimension {
  return dimension in VISIT_COLUMNS;
}

/** Visits per value of the visits that started on a day, without bots, as JSON of {@link VisitCount}. */
export async function visitValuesOn(
  day: number,
  dimension: VisitDimension,
  manager: EntityManager,
): Promise<string> {
  const column = VISIT_COLUMNS[dimension];
  const rows = await manager
    .createQueryBuilder(Visit, 'visit')
    .select(column, 'value')
    .addSelect('COUNT(*)', 'count')
    .where('NOT visit.bot')
    .andWhere('visit.startedAt >= :day AND visit.startedAt < :next', { day, next: day + DAY })
    .groupBy(column)
    .orderBy(column)
    .getRawMany<{ value: string | number | null; count: string | number }>();
  return JSON.stringify(rows.map(({ value, count }): VisitCount => [value, Number(count)]));
}
