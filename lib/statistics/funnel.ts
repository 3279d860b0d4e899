import { InvalidFilterError } from '../activity/activity.filter.js';
import { Selection } from './selection.js';
import type { Funnel, FunnelStep } from './statistics.types.js';
import type { Stretch } from './stretch.js';

const MAX_STEPS = 10;

/** How far a visitor has come: of each step, when the latest start was that led there. */
type Progress = number[];

/** @throws InvalidFilterError */
export async function funnel(
  steps: FunnelStep[],
  selection: Selection,
  range: Stretch,
  within: number,
): Promise<Funnel> {
  const matches = checked(steps).map((step) => new Selection(selection.dataSource, step));
  const query = selection
    .activities(range)
    .select('COALESCE(activity.sessionId, activity.userId)', 'visitor')
    .addSelect('CASE WHEN activity.sessionId IS NULL THEN 1 ELSE 0 END', 'isUser')
    .addSelect('activity.date', 'date')
    .orderBy('activity.date')
    .addOrderBy(selection.dialect.idOrder('activity.id'));
  const conditions = matches.map((step, i) => {
    const { sql, parameters } = step.conditionOnActivities(`step${i}`);
    query.setParameters(parameters);
    query.addSelect(`CASE WHEN ${sql} THEN 1 ELSE 0 END`, `step${i}`);
    return sql;
  });
  query.andWhere(`(${conditions.map((sql) => `(${sql})`).join(' OR ')})`);
  query.andWhere('(activity.sessionId IS NOT NULL OR activity.userId IS NOT NULL)');
  const progress = new Map<string, Progress>();
  for (const row of await query.getRawMany<Record<string, string | number>>()) {
    const key = `${row.isUser} ${row.visitor}`;
    const visitor = progress.get(key) ?? [];
    const doneSteps = steps.map((_, i) => Number(row[`step${i}`]) === 1);
    advance(visitor, doneSteps, Number(row.date), within);
    progress.set(key, visitor);
  }
  const reached = steps.map((_, i) => [...progress.values()].filter((visitor) => visitor.length > i).length);
  return {
    steps: steps.map((step, i) => ({
      step,
      visitors: reached[i] ?? 0,
      stopped: i + 1 < steps.length ? (reached[i] ?? 0) - (reached[i + 1] ?? 0) : 0,
    })),
  };
}

/** From the last step to the first, so that an activity is one step at a time; a later start leaves more time. */
function advance(visitor: Progress, isDone: boolean[], date: number, within: number): void {
  for (let i = Math.min(visitor.length, isDone.length - 1); i >= 0; i--) {
    if (!isDone[i]) continue;
    const start = i === 0 ? date : visitor[i - 1];
    if (start !== undefined && date - start <= within) visitor[i] = start;
  }
}

function checked(steps: FunnelStep[]): FunnelStep[] {
  if (!Array.isArray(steps) || steps.length === 0 || steps.length > MAX_STEPS)
    throw new InvalidFilterError('steps', `must be 1 to ${MAX_STEPS} steps`);
  for (const [i, step] of steps.entries()) {
    const given = Object.entries(step).filter(([, value]) => value !== undefined);
    const wrong = given.find(([property]) => !['path', 'name', 'properties'].includes(property));
    if (wrong || given.length === 0)
      throw new InvalidFilterError(`steps.${i}`, 'must have a path, a name or properties, and nothing else');
  }
  return steps;
}
