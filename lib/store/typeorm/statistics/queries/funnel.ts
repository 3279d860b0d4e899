import { yieldingChunks } from '../../../../database/chunks.js';
import { MAX_FUNNEL_STEPS } from '../../../../statistics/parameter-bounds.js';
import { StatisticsQuery } from '../filter/statistics-query.js';
import type { ParsedStatisticsFilter } from '../../../../statistics/statistics-filter.js';
import type { TimeRange } from '../../../../statistics/time/time-range.js';

/** The bit for a visitor that is a user without a session. */
const USER = 2 ** MAX_FUNNEL_STEPS;

/** The progress of a visitor: for each step, the latest start that led there. */
type Progress = number[];

interface Row {
  visitor: string;
  date: string | number;
  /** A bit for each step, and {@link USER}, so that fewer bytes are sent. */
  done: string | number;
}

/** Counts the visitors who reached each step. */
export async function funnel(
  steps: ParsedStatisticsFilter[],
  selection: StatisticsQuery,
  range: TimeRange,
  within: number,
): Promise<number[]> {
  const matches = steps.map((step) => new StatisticsQuery(selection.manager, step));
  const query = selection
    .activities(range)
    .select('COALESCE(activity.sessionId, activity.userId)', 'visitor')
    .addSelect('activity.date', 'date')
    .andWhere('(activity.sessionId IS NOT NULL OR activity.userId IS NOT NULL)')
    .orderBy('activity.date')
    .addOrderBy(selection.dialect.idOrder('activity.id'));
  const conditions = matches.map((step, i) => {
    const { sql, parameters } = step.conditionOnActivities(`step${i}`);
    query.setParameters(parameters);
    return `(${sql})`;
  });
  const done = conditions.map((sql, i) => `CASE WHEN ${sql} THEN ${2 ** i} ELSE 0 END`);
  done.push(`CASE WHEN activity.sessionId IS NULL THEN ${USER} ELSE 0 END`);
  query.addSelect(done.join(' + '), 'done').andWhere(`(${conditions.join(' OR ')})`);
  const progress = new Map<string, Progress>();
  for await (const rows of yieldingChunks(await query.getRawMany<Row>())) {
    for (const { visitor, date, done: bits } of rows) {
      const key = Number(bits) & USER ? `user ${visitor}` : visitor;
      let starts = progress.get(key);
      if (!starts) progress.set(key, (starts = []));
      advance(starts, steps.length, Number(bits), Number(date), within);
    }
  }
  return steps.map((_, i) => [...progress.values()].filter((visitor) => visitor.length > i).length);
}

/**
 * Updates the progress of a visitor from the last step to the first, so that one activity is not two steps. The latest start is
 * kept, because it leaves the most time for the next steps.
 */
function advance(starts: Progress, count: number, done: number, date: number, within: number): void {
  for (let i = Math.min(starts.length, count - 1); i >= 0; i--) {
    if (!(done & (2 ** i))) continue;
    const start = i === 0 ? date : starts[i - 1];
    if (start !== undefined && date - start <= within) starts[i] = start;
  }
}
