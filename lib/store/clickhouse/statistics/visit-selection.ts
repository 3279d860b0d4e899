import { parseStartOfVisit } from '../../../activity/visit-id.js';
import { HOUR } from '../../../time/units.js';
import type { Server } from '../server.js';
import { text } from '../sql.js';
import { ACTIVITY, VISIT } from '../tables.js';

/** How many activities and visits one statement computes. They need up to 0.6 GB of memory; 100 million at once took 13 GB. */
const MAX_ROWS = 2_000_000;
/** How many rows are sampled for each end of a range, so that the ranges have about as many. */
const SAMPLES = 16;

/** All activities near the start of their visit are within so many hours of it. */
const REACH = 25;

/** An id that contains the start of its visit: see visit-id.ts. */
const OWN = '^[0-9a-z]{8,9}[0-9A-Za-z_-]{7}$';
const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz';
/** Milliseconds since 1970: the characters before the last seven are a number to the base 36. */
const START = `arrayFold((start, digit) -> start * 36 + position('${DIGITS}', digit) - 1,
  splitByString('', substring(visitId, 1, length(visitId) - 7)), toInt64(0))`;
const DATE_HOUR = 'intDiv(date, 3600000)';

/** Some visits, as conditions of SQL. */
export interface VisitSelection {
  /** Returns the condition on a column of ids of visits. */
  matches: (column: string) => string;
  /** The hours in which they have activities near their start. */
  hours: string;
}

export function selectListed(ids: readonly string[]): VisitSelection {
  return selectIds(`SELECT arrayJoin([${ids.map(text).join(', ')}]) AS visitId`);
}

/** @param ids a `SELECT` of the ids as `visitId`, which selects the same each time */
export function selectIds(ids: string): VisitSelection {
  return {
    matches: (column) => `${column} IN (${ids})`,
    hours: `${DATE_HOUR} IN (SELECT DISTINCT arrayJoin(range(hour - ${REACH}, hour + ${REACH} + 1)) FROM (
      SELECT DISTINCT intDiv(${START}, ${HOUR}) AS hour FROM (SELECT visitId FROM (${ids}) WHERE match(visitId, '${OWN}'))))`,
  };
}

/**
 * Selects the visits between two ids of the same length. Ids made by Djaffar begin with the start of the visit, so its hours are known.
 * @param length of the ids, in bytes
 * @param after the id before the first one; default: the range is open
 * @param until the last id; default: the range is open
 */
function selectRange(length: number, after?: string, until?: string): VisitSelection {
  const first = after === undefined ? undefined : parseStartOfVisit(after);
  const last = until === undefined ? undefined : parseStartOfVisit(until);
  const hours = [
    ...(first === undefined ? [] : [`${DATE_HOUR} >= ${Math.floor(first / HOUR) - REACH}`]),
    ...(last === undefined ? [] : [`${DATE_HOUR} <= ${Math.floor(last / HOUR) + REACH}`]),
  ];
  return {
    matches: (column) =>
      [
        `length(${column}) = ${length}`,
        ...(after === undefined ? [] : [`${column} > ${text(after)}`]),
        ...(until === undefined ? [] : [`${column} <= ${text(until)}`]),
      ].join(' AND '),
    hours: hours.join(' AND ') || '1',
  };
}

/**
 * Returns ranges that contain all visits, each with about as many activities.
 * @param size how many activities and visits a range has, unless a single visit has more
 */
export async function listVisitRanges(server: Server, size = MAX_ROWS): Promise<VisitSelection[]> {
  const rows = await server.query<{ length: number; sample: string[] }>(
    `SELECT length(id) AS length,
      arraySort(groupArrayIf(id, hash % ${Math.ceil(size / SAMPLES)} = 0)) AS sample
    FROM (SELECT visitId AS id, cityHash64(activity.id) AS hash FROM ${ACTIVITY} AS activity WHERE visitId != ''
      UNION ALL SELECT id, cityHash64(id) FROM ${VISIT})
    GROUP BY length ORDER BY length`,
  );
  return rows.flatMap(({ length, sample }) => {
    const ends = [...new Set(sample.filter((_, i) => i % SAMPLES === SAMPLES - 1))];
    return [...ends, undefined].map((end, i) => selectRange(length, ends[i - 1], end));
  });
}
