import { ENGAGEMENT } from '../../../activity/engagement.js';
import { SESSION_PROPERTIES } from '../../../activity/session.js';
import { PAGE } from '../filter.js';
import type { Server, StatementLimits } from '../server.js';
import { ID_ORDER, text } from '../sql.js';
import { ACTIVITY, SESSION, VISIT } from '../tables.js';
import { MAX_VISIT_DURATION } from '../../../activity/visit-id.js';
import { VISIT_SOURCES } from '../../../statistics/statistics-filter.js';

/** All activities of a visit are within so many hours of the start that its id contains. */
const REACH = 25;
/** If a visit has more activities, the time in view after the last one is not counted. */
const MAX_ACTIVITIES = 1000;

/** An id that contains the start of its visit: see visit-id.ts. */
const OWN = '^[0-9a-z]{8,9}[0-9A-Za-z_-]{7}$';
const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz';
/** Milliseconds since 1970: the characters before the last seven are a number to the base 36. */
const START = `arrayFold((start, digit) -> start * 36 + position('${DIGITS}', digit) - 1,
  splitByString('', substring(visitId, 1, length(visitId) - 7)), toInt64(0))`;

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
  'pages',
];

/**
 * Rebuilds visits from their activities, and deletes those without any. Any instance can do it at any time: if a visit gets two rows, the
 * one whose activities were read later is used.
 * @param ids a `SELECT` of the ids as `visitId`, which selects the same each time
 */
export async function rebuildVisits(server: Server, ids: string, limits?: StatementLimits): Promise<void> {
  const version = 'toUnixTimestamp64Micro(now64(6))';
  await server.command(
    `INSERT INTO ${VISIT} (${COLUMNS.join(', ')}, version, gone)
    SELECT ${COLUMNS.join(', ')}, ${version}, 0 FROM (${visitsSql(ids)})`,
    limits,
    { async_insert: 0 },
  );
  await server.command(
    `INSERT INTO ${VISIT} (id, version, gone)
    SELECT id, ${version}, 1 FROM ${VISIT} FINAL
    WHERE id IN (${ids}) AND id NOT IN (SELECT visitId FROM (${activitiesSql(ids, 'visitId')}))`,
    limits,
    { async_insert: 0 },
  );
}

/**
 * Returns the SQL that computes visits from their activities.
 * @param ids a `SELECT` of their ids as `visitId`; default: all visits
 */
export function visitsSql(ids?: string): string {
  const isAction = `name != ${text(ENGAGEMENT)}`;
  const place = `(date, ${ID_ORDER})`;
  // Tuples: the functions leave out rows in which the value itself is NULL.
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
    `toUInt32(countIf(name = 'view')) AS views`,
    `countIf(${isAction} AND ifNull(interactive, true)) AS actions`,
    'actions = 1 AS bounced',
    `maxIf(date, ${isAction}) AS lastAction`,
    `groupArrayIf((date, inView), inView > 0) AS timesInView`,
    `if(count() > ${MAX_ACTIVITIES}, 0, arraySum(arrayMap(t -> if(t.1 > lastAction, t.2, 0), timesInView))) AS inViewAfter`,
    'if(actions > 0, tupleElement(last, 1) - tupleElement(first, 1), 0) AS acted',
    `toUInt32(floor(least(acted + inViewAfter, ${MAX_VISIT_DURATION}) / 1000)) AS duration`,
    'tupleElement(first, 3) AS entry',
    'tupleElement(last, 2) AS exit',
    ...VISIT_SOURCES.map((source, i) => `tupleElement(first, ${i + 4}) AS ${source}`),
    `arrayCompact(arrayMap(v -> v.3, arraySort(groupArrayIf((date, ${ID_ORDER}, ${PAGE}), name = 'view')))) AS pages`,
  ];
  const needed = [
    'id',
    'visitId',
    'date',
    'sessionId',
    'userId',
    'path',
    'page',
    'name',
    'interactive',
    'inView',
    ...VISIT_SOURCES,
  ];
  const activities =
    ids === undefined
      ? `SELECT * FROM ${ACTIVITY} WHERE visitId != ''`
      : activitiesSql(ids, needed.join(', '));
  const sessions =
    ids === undefined ? '' : ` WHERE id IN (SELECT sessionId FROM (${activitiesSql(ids, 'sessionId')}))`;
  return `SELECT visit.*, ${SESSION_PROPERTIES.map((property) => `session.${property} AS ${property}`).join(', ')},
      ifNull(session.bot, false) AS bot
    FROM (SELECT ${columns.join(', ')} FROM (${activities}) AS activity GROUP BY visitId) AS visit
    LEFT JOIN (SELECT id, ${SESSION_PROPERTIES.join(', ')}, bot FROM ${SESSION} FINAL${sessions}) AS session ON session.id = visit.sessionId`;
}

/**
 * The activities of visits. Nearly all visits have ids that contain their start, and all their activities are near it, so
 * these are found by the key of the table; the others are searched for among the few that are not.
 */
function activitiesSql(ids: string, columns: string): string {
  const hours = `SELECT DISTINCT arrayJoin(range(hour - ${REACH}, hour + ${REACH} + 1)) FROM (
      SELECT DISTINCT intDiv(${START}, 3600000) AS hour FROM (SELECT visitId FROM (${ids}) WHERE match(visitId, '${OWN}')))`;
  return `SELECT ${columns} FROM ${ACTIVITY} WHERE isNear AND intDiv(date, 3600000) IN (${hours}) AND visitId IN (${ids})
    UNION ALL
    SELECT ${columns} FROM ${ACTIVITY} WHERE NOT isNear AND visitId IN (${ids})`;
}
