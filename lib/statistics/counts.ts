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
 * The measures: all that are of visits in one pass over them, the others from sums.
 * @param starts of the intervals; the first may be before the range
 */
export async function figuresOf<M extends Measure>(
  measures: readonly M[],
  selection: Selection,
  range: Stretch,
  starts: number[],
): Promise<Record<M, Figures>> {
  const asked = new Set<Measure>(measures);
  const found: Partial<Record<Measure, Figures>> = {};
  if (asked.has('activities') || asked.has('views'))
    Object.assign(found, await activityFigures(selection, range, starts));
  for (const [measure, key] of [
    ['users', 'userId'],
    ['sessions', 'sessionId'],
  ] as const) {
    if (!asked.has(measure) || (selection.isWhole && !(await isWithoutVisit(key, selection, range))))
      continue;
    found[measure] = await different(key, selection, range, starts);
  }
  const ofVisits = (['users', 'sessions', 'visits', 'bounceRate', 'visitDuration'] as const).filter(
    (measure) => asked.has(measure) && found[measure] === undefined,
  );
  if (ofVisits.length > 0)
    Object.assign(found, await visitFigures(ofVisits, selection, range, starts), { ...found });
  const figures = measures.map((measure) => [measure, found[measure] ?? []] as const);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `fromEntries` cannot say: each measure has an entry
  return Object.fromEntries(figures) as Record<M, Figures>;
}

async function visitFigures(
  measures: Measure[],
  selection: Selection,
  range: Stretch,
  starts: number[],
): Promise<Partial<Record<Measure, Figures>>> {
  const interval = intervalSql('visit.startedAt', starts);
  const start = intervalSql('visit.startedAt', starts, (each) => Math.max(each, range.since));
  const query: SelectQueryBuilder<ObjectLiteral> = selection
    .visits(range)
    .select(interval, 'n')
    .addSelect('COUNT(*)', 'count')
    .groupBy(grouping(interval));
  const sum = (name: Measure, condition: string): void => {
    if (measures.includes(name)) query.addSelect(`SUM(CASE WHEN ${condition} THEN 1 ELSE 0 END)`, name);
  };
  sum('bounceRate', 'visit.bounced');
  sum('users', `visit.userBefore < ${start}`);
  sum('sessions', `visit.sessionBefore < ${start}`);
  if (measures.includes('visitDuration'))
    query.addSelect('visit.duration', 'duration').addGroupBy('visit.duration');
  const counts = {
    visits: zeros(starts),
    bounceRate: zeros(starts),
    users: zeros(starts),
    sessions: zeros(starts),
  };
  const durations = starts.map((): [duration: number, visits: number][] => []);
  for (const row of await query.getRawMany<
    Counted & Partial<Record<Measure | 'duration', string | number>>
  >()) {
    const n = Number(row.n);
    add(counts.visits, n, row.count);
    add(counts.bounceRate, n, row.bounceRate);
    add(counts.users, n, row.users);
    add(counts.sessions, n, row.sessions);
    if (row.duration !== undefined) durations[n]?.push([Number(row.duration), Number(row.count)]);
  }
  const { visits, bounceRate: bounced, users, sessions } = counts;
  return {
    visits,
    users,
    sessions,
    bounceRate: visits.map((count, n) => (count === 0 ? null : (bounced[n] ?? 0) / count)),
    visitDuration: durations.map((counted, n) => medianOf(counted, visits[n] ?? 0)),
  };
}

function zeros(starts: number[]): number[] {
  return starts.map(() => 0);
}

function add(counts: number[], n: number, count: string | number | undefined): void {
  counts[n] = (counts[n] ?? 0) + Number(count ?? 0);
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
  const activities = zeros(starts);
  const views = zeros(starts);
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
      add(activities, Number(row.n), row.count);
      add(views, Number(row.n), row.views);
    }
  }
  return { activities, views };
}

function totalsOf(
  { manager, name }: Selection,
  { since, until }: Stretch,
  starts: number[],
): SelectQueryBuilder<ObjectLiteral> {
  const interval = intervalSql('total.startedAt', starts);
  const query = manager
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

/** Whether there is anything to count that is of no visit. */
async function isWithoutVisit(
  key: 'userId' | 'sessionId',
  selection: Selection,
  range: Stretch,
): Promise<boolean> {
  const one = await selection
    .activities(range)
    .select('activity.id')
    .andWhere('activity.visitId IS NULL')
    .andWhere(`activity.${key} IS NOT NULL`)
    .limit(1)
    .getRawOne<object>();
  return one !== undefined;
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
  const rows = await selection.manager
    .createQueryBuilder()
    .select('n')
    .addSelect('COUNT(*)', 'count')
    .from(`(${ofVisits.getQuery()} UNION ${ofOthers.getQuery()})`, 'seen')
    .setParameters({ ...ofVisits.getParameters(), ...ofOthers.getParameters() })
    .groupBy('n')
    .getRawMany<Counted>();
  const counts = zeros(starts);
  for (const { n, count } of rows) counts[Number(n)] = Number(count);
  return counts;
}

/** A bare number would be the number of a column. */
function grouping(interval: string): string {
  return /^\d+$/.test(interval) ? `${interval} + 0` : interval;
}
