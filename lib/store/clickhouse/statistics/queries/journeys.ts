import type { JourneyQuery } from '../../../../statistics/statistics.store.js';
import type { Journeys } from '../../../../statistics/statistics.types.js';
import type { TimeRange } from '../../../../statistics/time/time-range.js';
import { ENGAGEMENT } from '../../../../activity/engagement.js';
import { ID_ORDER, text } from '../../sql.js';
import { ACTIVITY } from '../../tables.js';
import type { StatisticsQuery } from '../statistics-query.js';

export async function journeys(
  query: StatisticsQuery,
  range: TimeRange,
  asked: JourneyQuery,
): Promise<Omit<Journeys, 'asOf'>> {
  const visits = query.visits(range);
  const from = asked.by === 'route' ? `FROM (${routesSql(visits)})` : visits;
  const lists = `SELECT ${pathsSql(asked)} AS paths ${from}`;
  // With `end`, steps are numbered up to 0, otherwise from 0.
  const first = asked.end === undefined ? '1' : 'length(paths)';
  const steps = `SELECT toInt32(n) - toInt32(${first}) AS step, paths[n] AS path, paths[n + 1] AS next,
    n < length(paths) AS hasNext FROM (${lists}) ARRAY JOIN arrayEnumerate(paths) AS n`;
  const frequent = await query.ask<{ step: number; path: string }>(
    `SELECT step, path FROM (${steps}) GROUP BY step, path ORDER BY step, count() DESC, path LIMIT ${asked.limit} BY step`,
  );
  if (frequent.length === 0) return { nodes: [], links: [] };
  const list = frequent.map(({ step, path }) => `(${step}, ${text(path)})`).join(', ');
  const shown = (step: string, path: string): string => `if((${step}, ${path}) IN (${list}), ${path}, NULL)`;
  const [nodes, links] = await Promise.all([
    query.ask<Journeys['nodes'][number]>(
      `SELECT step, shown AS path, count() AS visits FROM (SELECT step, ${shown('step', 'path')} AS shown FROM (${steps}))
      GROUP BY step, shown ORDER BY step, visits DESC, shown NULLS LAST`,
    ),
    query.ask<Journeys['links'][number]>(
      `SELECT step, shown AS \`from\`, nextShown AS \`to\`, count() AS visits
      FROM (SELECT step, ${shown('step', 'path')} AS shown, ${shown('step + 1', 'next')} AS nextShown
        FROM (${steps}) WHERE hasNext)
      GROUP BY step, shown, nextShown ORDER BY step, visits DESC, shown NULLS LAST, nextShown NULLS LAST`,
    ),
  ]);
  return { nodes, links };
}

/** The paths of a visit that are shown: from the first time at `start`, or up to the last time at `end`. */
function pathsSql({ start, end, depth }: JourneyQuery): string {
  if (end !== undefined) {
    const last = `arrayLastIndex(page -> page = ${text(end)}, pages)`;
    return `arraySlice(pages, greatest(toInt64(${last}) - ${depth} + 1, 1), least(${last}, ${depth}))`;
  }
  if (start === undefined) return `arraySlice(pages, 1, ${depth})`;
  return `if(has(pages, ${text(start)}), arraySlice(pages, indexOf(pages, ${text(start)}), ${depth}), [])`;
}

/** The routes of each visit in their order, without repeats, as `pages`. */
function routesSql(visits: string): string {
  return `SELECT arrayCompact(arrayMap(place -> tupleElement(place, 3), arraySort(groupArray((date, ${ID_ORDER}, assumeNotNull(route)))))) AS pages
    FROM ${ACTIVITY} WHERE route IS NOT NULL AND name != ${text(ENGAGEMENT)} AND visitId IN (SELECT id ${visits}) GROUP BY visitId`;
}
