import { ENGAGEMENT } from '../../../../activity/engagement.js';
import type { JourneyQuery } from '../../../../statistics/statistics.store.js';
import type { TimeRange } from '../../../../statistics/time/time-range.js';
import { Activity } from '../../../../activity/activity.js';
import type { StatisticsQuery } from '../filter/statistics-query.js';
import { yieldingChunks } from '../../../../database/chunks.js';
import type { JourneySteps } from './journey-steps.js';

type Row = Record<string, string | null> & { visits: string | number };

/**
 * Up to `depth` routes of each visit, without repeats. The database numbers them (from the last one if the journeys end at a
 * route) and returns each sequence once: `SELECT route0, route1, …, COUNT(*) FROM … GROUP BY route0, route1, …`
 */
export async function loadRouteSteps(
  selection: StatisticsQuery,
  range: TimeRange,
  { start, end, depth }: JourneyQuery,
): Promise<JourneySteps> {
  const { manager, dialect } = selection;
  const anchor = start ?? end;
  const direction = end === undefined ? 'ASC' : 'DESC';
  const columns = Array.from({ length: depth }, (_, i) => `route${i}`);
  const visits = selection.visits(range).select('visit.id');
  const inOrder = `PARTITION BY activity.visitId ORDER BY activity.date ${direction}, ${dialect.idOrder('activity.id')} ${direction}`;
  const routes = manager
    .createQueryBuilder(Activity, 'activity')
    .select('activity.visitId', 'visit')
    .addSelect('activity.route', 'route')
    .addSelect(`LAG(activity.route) OVER (${inOrder})`, 'previous')
    .addSelect(`ROW_NUMBER() OVER (${inOrder})`, 'place')
    .where(`activity.route IS NOT NULL AND activity.name <> '${ENGAGEMENT}'`)
    .andWhere(`activity.visitId IN (${visits.getQuery()})`)
    .setParameters(visits.getParameters());
  const steps = `SELECT visit, route, ROW_NUMBER() OVER (PARTITION BY visit ORDER BY place) - 1 AS step
    FROM (${routes.getQuery()}) routes WHERE previous IS NULL OR previous <> route`;
  const anchored =
    anchor === undefined
      ? 'SELECT visit, route, step FROM steps'
      : `SELECT steps.visit, steps.route, steps.step - anchor.step AS step FROM steps
        INNER JOIN (SELECT visit, MIN(step) AS step FROM steps WHERE route = :anchor GROUP BY visit) anchor
        ON anchor.visit = steps.visit`;
  const routeColumns = columns
    .map((column, i) => `MAX(CASE WHEN step = ${i} THEN route END) AS ${column}`)
    .join(', ');
  const query = manager
    .createQueryBuilder()
    .addCommonTableExpression(steps, 'steps')
    .select(columns)
    .addSelect('COUNT(*)', 'visits')
    .from(
      `(SELECT ${routeColumns} FROM (${anchored}) anchored WHERE step >= 0 AND step < ${depth} GROUP BY visit)`,
      'journeys',
    )
    .setParameters({ ...routes.getParameters(), anchor });
  for (const column of columns) query.addGroupBy(column);
  const ids = new Map<string, number>();
  const journeys: number[][] = [];
  const weights: number[] = [];
  for await (const rows of yieldingChunks(await query.getRawMany<Row>())) {
    for (const row of rows) {
      const found = columns.flatMap((column) => row[column] ?? []);
      for (const route of found) if (!ids.has(route)) ids.set(route, -1 - ids.size);
      journeys.push(found.map((route) => ids.get(route) ?? 0));
      weights.push(Number(row.visits));
    }
  }
  return { journeys, weights, names: new Map([...ids].map(([route, id]) => [id, route])) };
}
