import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { intervalSql } from './calendar.js';
import type { Selection } from './selection.js';
import type { Measure } from './statistics.types.js';
import { floor, QUARTER, type Stretch } from './stretch.js';
import { Total } from './sums.entity.js';

/** One figure for each interval; `null` where there is nothing to measure. */
type Figures = (number | null)[];

interface Counted {
  n: string | number;
  count: string | number;
}

/**
 * The measures, each in one pass over visits or sums.
 * @param starts of the intervals; the first may be before the range
 */
export async function figuresOf<M extends Measure>(
  measures: readonly M[],
  selection: Selection,
  range: Stretch,
  starts: number[],
): Promise<Record<M, Figures>> {
  const found: Partial<Record<Measure, Figures>> = {};
  const asksFor = (...some: Measure[]): boolean =>
    some.some((each) => (measures as readonly Measure[]).includes(each));
  await Promise.all([
    asksFor('visits', 'bounceRate', 'visitDuration') &&
      visitFigures(selection, range, starts).then((figures) => Object.assign(found, figures)),
    asksFor('activities', 'views') &&
      activityFigures(selection, range, starts).then((figures) => Object.assign(found, figures)),
    asksFor('users') &&
      different('userId', selection, range, starts).then((users) => Object.assign(found, { users })),
    asksFor('sessions') &&
      different('sessionId', selection, range, starts).then((sessions) => Object.assign(found, { sessions })),
  ]);
  const figures = measures.map((measure) => [measure, found[measure] ?? []] as const);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `fromEntries` cannot say: each measure has an entry
  return Object.fromEntries(figures) as Record<M, Figures>;
}

async function visitFigures(
  selection: Selection,
  range: Stretch,
  starts: number[],
): Promise<Record<'visits' | 'bounceRate' | 'visitDuration', Figures>> {
  const interval = intervalSql('visit.startedAt', starts);
  const rows = await selection
    .visits(range)
    .select(interval, 'n')
    .addSelect('visit.duration', 'duration')
    .addSelect('COUNT(*)', 'count')
    .addSelect('SUM(CASE WHEN visit.bounced THEN 1 ELSE 0 END)', 'bounced')
    .groupBy(grouping(interval))
    .addGroupBy('visit.duration')
    .getRawMany<Counted & { duration: number; bounced: string | number }>();
  const visits = starts.map(() => 0);
  const bounced = starts.map(() => 0);
  const durations = starts.map((): [duration: number, visits: number][] => []);
  for (const row of rows) {
    const n = Number(row.n);
    visits[n] = (visits[n] ?? 0) + Number(row.count);
    bounced[n] = (bounced[n] ?? 0) + Number(row.bounced);
    durations[n]?.push([row.duration, Number(row.count)]);
  }
  return {
    visits,
    bounceRate: visits.map((count, n) => (count === 0 ? null : (bounced[n] ?? 0) / count)),
    visitDuration: durations.map((counted, n) => medianOf(counted, visits[n] ?? 0)),
  };
}

/** Of so many values, given as value and number of times. */
function medianOf(counted: [value: number, times: number][], total: number): number | null {
  if (total === 0) return null;
  const ascending = counted.toSorted(([a], [b]) => a - b);
  const at = (place: number): number => {
    let seen = 0;
    return ascending.find(([, times]) => (seen += times) > place)?.[0] ?? 0;
  };
  return (at((total - 1) >> 1) + at(total >> 1)) / 2;
}

async function activityFigures(
  selection: Selection,
  range: Stretch,
  starts: number[],
): Promise<Record<'activities' | 'views', Figures>> {
  const activities = starts.map(() => 0);
  const views = starts.map(() => 0);
  const whole = selection.isPlain ? wholeQuarters(range, starts) : undefined;
  const rest = whole ? without(range, whole) : [range];
  const queries = rest.map((stretch): SelectQueryBuilder<ObjectLiteral> => {
    const interval = intervalSql('activity.date', starts);
    return selection
      .activities(stretch)
      .select(interval, 'n')
      .addSelect('COUNT(*)', 'count')
      .addSelect(`SUM(CASE WHEN activity.name = 'view' THEN 1 ELSE 0 END)`, 'views')
      .groupBy(grouping(interval));
  });
  if (whole) queries.push(totalsOf(selection, whole, starts));
  for (const query of queries) {
    for (const row of await query.getRawMany<Counted & { views: string | number }>()) {
      const n = Number(row.n);
      activities[n] = (activities[n] ?? 0) + Number(row.count);
      views[n] = (views[n] ?? 0) + Number(row.views);
    }
  }
  return { activities, views };
}

function totalsOf(
  { dataSource, name }: Selection,
  { since, until }: Stretch,
  starts: number[],
): SelectQueryBuilder<ObjectLiteral> {
  const interval = intervalSql('total.startedAt', starts);
  const query = dataSource
    .createQueryBuilder(Total, 'total')
    .select(interval, 'n')
    .addSelect('SUM(total.activities)', 'count')
    .addSelect(`SUM(CASE WHEN total.name = 'view' THEN total.activities ELSE 0 END)`, 'views')
    .where('total.startedAt >= :since AND total.startedAt < :until', { since, until })
    .groupBy(grouping(interval));
  if (name !== undefined) query.andWhere('total.name = :name', { name });
  return query;
}

/** What of the range there are sums of, where no interval begins within one. */
function wholeQuarters({ since, until }: Stretch, starts: number[]): Stretch | undefined {
  if (starts.slice(1).some((start) => start % QUARTER !== 0)) return undefined;
  const whole = { since: floor(since + QUARTER - 1, QUARTER), until: floor(until, QUARTER) };
  return whole.since < whole.until ? whole : undefined;
}

/** What is left of a stretch at both ends. */
export function without({ since, until }: Stretch, middle: Stretch): Stretch[] {
  const ends = [
    { since, until: middle.since },
    { since: middle.until, until },
  ];
  return ends.filter((end) => end.since < end.until);
}

/** How many users or sessions there were: of visits, and of what was done without one. */
async function different(
  key: 'userId' | 'sessionId',
  selection: Selection,
  range: Stretch,
  starts: number[],
): Promise<Figures> {
  const ofVisits = selection
    .visits(range)
    .select(intervalSql('visit.startedAt', starts), 'n')
    .addSelect(`visit.${key}`, 'id')
    .andWhere(`visit.${key} IS NOT NULL`);
  const ofOthers = selection
    .activities(range)
    .select(intervalSql('activity.date', starts), 'n')
    .addSelect(`activity.${key}`, 'id')
    .andWhere('activity.visitId IS NULL')
    .andWhere(`activity.${key} IS NOT NULL`);
  const rows = await selection.dataSource
    .createQueryBuilder()
    .select('n')
    .addSelect('COUNT(*)', 'count')
    .from(`(${ofVisits.getQuery()} UNION ${ofOthers.getQuery()})`, 'seen')
    .setParameters({ ...ofVisits.getParameters(), ...ofOthers.getParameters() })
    .groupBy('n')
    .getRawMany<Counted>();
  const counts = starts.map(() => 0);
  for (const { n, count } of rows) counts[Number(n)] = Number(count);
  return counts;
}

/** A bare number would be the number of a column. */
function grouping(interval: string): string {
  return /^\d+$/.test(interval) ? `${interval} + 0` : interval;
}
