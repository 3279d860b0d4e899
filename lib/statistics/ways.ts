import { Activity } from '../activity/activity.entity.js';
import { checkText } from '../activity/activity.filter.js';
import { PATH_KEY_LENGTH } from '../activity/dialects/dialect.js';
import { cut } from '../activity/text.js';
import { numbersOf, pathsOf } from './paths.js';
import type { Selection } from './selection.js';
import type { Stretch } from './stretch.js';
import { numberOf, onwards, stepOf, stepsOf, upTo } from './way.js';

/** From a path, to a path, or from the beginning of each visit. */
export interface Way {
  start: string | undefined;
  end: string | undefined;
  depth: number;
}

/** Paths from step to step; where they lead to a path, that is the first. */
export interface WayRow {
  paths: string[];
  visits: number;
}

/** Each way of at most so many steps, and how many visits took it. */
export async function waysOf(selection: Selection, range: Stretch, way: Way): Promise<WayRow[]> {
  const { start, end, depth } = way;
  const anchor = start ?? end;
  const number =
    anchor === undefined
      ? undefined
      : (await numbersOf(selection.manager, [checkText(start === undefined ? 'end' : 'start', anchor)])).get(
          anchor,
        );
  const step = number === undefined ? undefined : stepOf(number);
  const query = selection.visits(range).select('visit.way', 'way');
  // No digit means anything to LIKE; case, which it may take for the same, is looked at below.
  if (step !== undefined)
    query.andWhere('(visit.way IS NULL OR visit.way LIKE :step)', { step: `%${step}%` });
  else if (anchor !== undefined) query.andWhere('visit.way IS NULL');
  const counts = new Map<string, number>();
  let isLong = false;
  for (const { way: taken } of await query.getRawMany<{ way: string | null }>()) {
    if (taken === null) {
      isLong = true;
      continue;
    }
    const part =
      end !== undefined && step !== undefined ? upTo(taken, depth, step) : onwards(taken, depth, step);
    if (part !== '') counts.set(part, (counts.get(part) ?? 0) + 1);
  }
  const rows = await named(selection, counts, end !== undefined);
  return isLong ? [...rows, ...(await longWaysOf(selection, range, way))] : rows;
}

async function named(
  { manager }: Selection,
  counts: Map<string, number>,
  isBackwards: boolean,
): Promise<WayRow[]> {
  const rows = [...counts].map(([part, visits]) => ({ steps: stepsOf(part), visits }));
  const steps = new Set(rows.flatMap((row) => row.steps));
  const paths = await pathsOf(manager, [...steps].map(numberOf));
  const pathOf = new Map([...steps].map((step) => [step, paths.get(numberOf(step))]));
  return rows.map(({ steps: taken, visits }) => {
    const told = taken.flatMap((step) => pathOf.get(step) ?? []);
    return { paths: isBackwards ? told.toReversed() : told, visits };
  });
}

/** The same of visits of too many views, from their activities. */
async function longWaysOf(
  selection: Selection,
  range: Stretch,
  { start, end, depth }: Way,
): Promise<WayRow[]> {
  const { manager, dialect } = selection;
  const q = (name: string): string => manager.connection.driver.escape(name);
  const direction = end === undefined ? 'ASC' : 'DESC';
  const order = `ORDER BY view.date ${direction}, ${dialect.idOrder('view.id')} ${direction}`;
  const visits = selection.visits(range).select('visit.id').andWhere('visit.way IS NULL');
  const views = manager
    .createQueryBuilder(Activity, 'view')
    .select('view.visitId', 'visit')
    .addSelect('view.path', 'path')
    .addSelect(`ROW_NUMBER() OVER (PARTITION BY view.visitId ${order})`, 'place')
    .addSelect(`LAG(view.path) OVER (PARTITION BY view.visitId ${order})`, 'before')
    .where(`view.name = 'view' AND view.visitId IN (${visits.getQuery()})`)
    .andWhere(`${dialect.dateKey('view.date')} >= :sinceKey`, { sinceKey: dialect.dateKeyOf(range.since) })
    .setParameters(visits.getParameters());
  const anchor = start ?? end;
  if (anchor !== undefined) {
    const there = manager
      .createQueryBuilder(Activity, 'anchor')
      .select('anchor.visitId')
      .where(
        `anchor.path = :anchor AND ${dialect.pathKey('anchor.path')} = :anchorKey AND anchor.name = 'view'`,
      )
      .andWhere(`${dialect.dateKey('anchor.date')} >= :sinceKey`)
      .andWhere('anchor.visitId IS NOT NULL');
    views.andWhere(`view.visitId IN (${there.getQuery()})`).setParameters({
      anchor,
      anchorKey: dialect.pathKey('path') === 'path' ? anchor : cut(anchor, PATH_KEY_LENGTH),
    });
  }
  // The same path again at once is one step.
  const moves = `SELECT ${q('visit')}, ${q('path')}, ${q('place')} FROM (${views.getQuery()}) seen WHERE ${q('before')} IS NULL OR ${q('before')} <> ${q('path')}`;
  const from = anchor === undefined ? '' : ` WHERE ${q('place')} >= ${q('anchor')}`;
  const anchored = `SELECT m.*, MIN(${anchor === undefined ? q('place') : `CASE WHEN ${q('path')} = :anchor THEN ${q('place')} END`}) OVER (PARTITION BY ${q('visit')}) AS ${q('anchor')} FROM (${moves}) m`;
  const numbered = `SELECT ${q('visit')}, ${q('path')}, ROW_NUMBER() OVER (PARTITION BY ${q('visit')} ORDER BY ${q('place')}) AS ${q('step')} FROM (${anchored}) a${from}`;
  const columns = Array.from(
    { length: depth },
    (_, i) => `MAX(CASE WHEN ${q('step')} = ${i + 1} THEN ${q('path')} END) AS ${q(`path${i}`)}`,
  );
  const ways = `SELECT ${columns.join(', ')} FROM (${numbered}) n WHERE ${q('step')} <= ${depth} GROUP BY ${q('visit')}`;
  const paths = Array.from({ length: depth }, (_, i) => q(`path${i}`));
  const query = manager
    .createQueryBuilder()
    .select(paths.join(', '))
    .addSelect('COUNT(*)', 'visits')
    .from(`(${ways})`, 'way')
    .groupBy(paths.join(', '))
    .setParameters(views.getParameters());
  const rows = await query.getRawMany<{ visits: string | number } & Record<`path${number}`, string | null>>();
  return rows.map(({ visits: count, ...row }) => ({
    paths: Array.from({ length: depth }, (_, i) => row[`path${i}`]).filter((path) => path != null),
    visits: Number(count),
  }));
}
