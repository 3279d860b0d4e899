import { ENGAGEMENT, MAX_TIMED_ACTIVITIES } from '../../../activity/engagement.js';
import { SESSION_PROPERTIES } from '../../../activity/session.js';
import { PAGE } from '../filter.js';
import type { Server, StatementLimits } from '../server.js';
import { ID_ORDER, text } from '../sql.js';
import { ACTIVITY, SESSION, VISIT } from '../tables.js';
import { MAX_VISIT_DURATION } from '../../../activity/visit-id.js';
import { VISIT_SOURCES } from '../../../statistics/statistics-filter.js';
import type { Progress } from '../../store.js';
import { listVisitRanges, selectIds, type VisitSelection } from './visit-selection.js';

/** The columns of the table of visits that are computed, in their order. */
export const COLUMNS = [
  'id',
  'startedAt',
  'endedAt',
  'sessionId',
  'userId',
  'activities',
  'views',
  'bounced',
  'duration',
  'entry',
  'exit',
  ...VISIT_SOURCES,
  ...SESSION_PROPERTIES,
  'bot',
  'mixed',
  'pages',
  'pairs',
];

/**
 * Rebuilds visits from their activities, and deletes those without any. Any instance can do it at any time: if a visit gets two rows, the
 * one whose activities were read later is used.
 */
export async function rebuildVisits(
  server: Server,
  selection: VisitSelection,
  limits?: StatementLimits,
): Promise<void> {
  const version = 'toUnixTimestamp64Micro(now64(6))';
  await server.command(
    `INSERT INTO ${VISIT} (${COLUMNS.join(', ')}, version, gone)
    SELECT ${COLUMNS.join(', ')}, ${version}, 0 FROM (${visitsSql(selection)})`,
    limits,
    { async_insert: 0 },
  );
  await server.command(
    `INSERT INTO ${VISIT} (id, version, gone)
    SELECT id, ${version}, 1 FROM ${VISIT} FINAL
    WHERE ${selection.matches('id')} AND id NOT IN (SELECT visitId FROM (${activitiesSql(selection, 'visitId')}))`,
    limits,
    { async_insert: 0 },
  );
}

/**
 * Rebuilds all visits with activities that were written since an instant, a portion at a time.
 * @param since milliseconds since 1970, by the server's clock; 0: visits without activities are deleted, too
 */
export async function rebuildAllVisits(server: Server, since: number, onProgress?: Progress): Promise<void> {
  // Rows of a clock that was ahead would win over the ones that are rebuilt now.
  if (since === 0)
    await server.command(`DELETE FROM ${VISIT} WHERE version > toUnixTimestamp64Micro(now64(6))`);
  const ranges = await listVisitRanges(server);
  for (const [done, range] of ranges.entries()) {
    onProgress?.(done, ranges.length);
    const written = `SELECT DISTINCT visitId FROM ${ACTIVITY} WHERE writtenAt >= ${since} AND ${range.matches('visitId')}`;
    await rebuildVisits(server, since === 0 ? range : selectIds(written));
  }
  onProgress?.(ranges.length, ranges.length);
}

/** Returns the SQL that computes visits from their activities. */
export function visitsSql(selection: VisitSelection): string {
  const isAction = `name != ${text(ENGAGEMENT)}`;
  const place = `(date, ${ID_ORDER})`;
  // In tuples, because `argMin` and `argMax` skip rows in which the value is NULL.
  const first = ['date', 'sessionId', PAGE, ...VISIT_SOURCES].join(', ');
  const columns = [
    'visitId AS id',
    'min(date) AS startedAt',
    'max(date) AS endedAt',
    `argMin((${first}), (NOT (${isAction}), date, ${ID_ORDER})) AS first`,
    `argMax((date, ${PAGE}), (${isAction}, date, ${ID_ORDER})) AS last`,
    'tupleElement(first, 2) AS sessionId',
    `argMaxIf(activity.userId, ${place}, activity.userId IS NOT NULL) AS userId`,
    'toUInt32(count()) AS activities',
    'max(writtenAt) AS writtenUntil',
    `toUInt32(countIf(name = 'view')) AS views`,
    `toBool(countIf(${isAction} AND ifNull(interactive, true)) = 1) AS bounced`,
    `maxIf(date, ${isAction}) AS lastAction`,
    `groupArrayIf((date, inView), inView > 0) AS timesInView`,
    `if(count() > ${MAX_TIMED_ACTIVITIES}, 0, arraySum(arrayMap(t -> if(t.1 > lastAction, least(t.2, toFloat64(t.1 - lastAction)), 0), timesInView))) AS inViewAfter`,
    `if(countIf(${isAction}) > 0, tupleElement(last, 1) - tupleElement(first, 1), 0) AS acted`,
    `toUInt32(floor(least(acted + inViewAfter, ${MAX_VISIT_DURATION}) / 1000)) AS duration`,
    'tupleElement(first, 3) AS entry',
    'tupleElement(last, 2) AS exit',
    ...VISIT_SOURCES.map((source, i) => `tupleElement(first, ${i + 4}) AS ${source}`),
    'toBool(count(activity.sessionId) NOT IN (0, count()) OR ifNull(min(activity.sessionId) != max(activity.sessionId), false)) AS mixed',
    `arraySort(groupArray((date, ${ID_ORDER}, ${PAGE}, name))) AS sequence`,
    `arrayCompact(arrayMap(place -> place.3, arrayFilter(place -> place.4 = 'view', sequence))) AS pages`,
    `CAST(arrayCompact(arraySort(arrayMap(place -> (place.3, place.4), sequence))),
      'Array(Tuple(page String, name String))') AS pairs`,
  ];
  const needed = [
    'id',
    'visitId',
    'date',
    'sessionId',
    'userId',
    PAGE,
    'name',
    'interactive',
    'inView',
    'writtenAt',
    ...VISIT_SOURCES,
  ];
  return `SELECT visit.*, ${SESSION_PROPERTIES.map((property) => `session.${property} AS ${property}`).join(', ')},
      ifNull(session.bot, false) AS bot
    FROM (SELECT ${columns.join(', ')} FROM (${activitiesSql(selection, needed.join(', '))}) AS activity GROUP BY visitId) AS visit
    LEFT JOIN (SELECT id, ${SESSION_PROPERTIES.join(', ')}, bot FROM ${SESSION} FINAL
      WHERE id IN (SELECT sessionId FROM (${activitiesSql(selection, 'sessionId')}))) AS session ON session.id = visit.sessionId`;
}

/**
 * The SQL of the activities of visits. Nearly all are near the start that the id of their visit contains (`isNear`), so the table's
 * key finds them. The others are few, and all of these are read.
 */
function activitiesSql({ matches, hours }: VisitSelection, columns: string): string {
  const selected = matches('visitId');
  return `SELECT ${columns} FROM ${ACTIVITY} WHERE isNear AND ${hours} AND ${selected}
    UNION ALL
    SELECT ${columns} FROM ${ACTIVITY} WHERE NOT isNear AND ${selected}`;
}
