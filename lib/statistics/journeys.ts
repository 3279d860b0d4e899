import { checkText } from '../activity/activity.filter.js';
import { PATH_KEY_LENGTH } from '../activity/dialects/dialect.js';
import { cut } from '../activity/text.js';
import { Activity } from '../activity/activity.entity.js';
import type { Selection } from './selection.js';
import type { Journeys } from './statistics.types.js';
import type { Stretch } from './stretch.js';

export interface Way {
  start: string | undefined;
  end: string | undefined;
  depth: number;
  limit: number;
}

interface Row {
  path0: string;
  visits: string | number;
  [path: `path${number}`]: string | null;
}

/** The ways of visits, told as how many took each; then cut to the commonest paths of each step. */
export async function journeys(selection: Selection, range: Stretch, way: Way): Promise<Journeys> {
  const rows = await waysOf(selection, range, way);
  // Where the way ends at a path, what is first in the row is last on the way.
  const direction = way.end === undefined ? 1 : -1;
  const steps = Array.from({ length: way.depth }, (_, i) => i);
  const counts = steps.map((i) => countBy(rows, (row) => pathAt(row, i)));
  const kept = counts.map(
    (paths) =>
      new Set(
        largest(paths)
          .slice(0, way.limit)
          .map(([path]) => path),
      ),
  );
  const shown = (row: Row, i: number): string | null | undefined => {
    const path = pathAt(row, i);
    return path === undefined || kept[i]?.has(path) ? path : null;
  };
  const nodes = steps.flatMap((i) =>
    largest(countBy(rows, (row) => shown(row, i))).map(([path, visits]) => ({
      step: i * direction || 0,
      path,
      visits,
    })),
  );
  const links = steps.slice(1).flatMap((i) => {
    const pairs = new Map<string, Journeys['links'][number]>();
    for (const row of rows) {
      const [near, far] = [shown(row, i - 1), shown(row, i)];
      if (near === undefined || far === undefined) continue;
      const [from, to] = direction === 1 ? [near, far] : [far, near];
      const key = JSON.stringify([from, to]);
      const link = pairs.get(key) ?? { step: direction === 1 ? i - 1 : -i, from, to, visits: 0 };
      pairs.set(key, { ...link, visits: link.visits + Number(row.visits) });
    }
    return [...pairs.values()];
  });
  return {
    nodes: nodes.sort((a, b) => a.step - b.step || b.visits - a.visits || byPath(a.path, b.path)),
    links: links.sort(
      (a, b) => a.step - b.step || b.visits - a.visits || byPath(a.from, b.from) || byPath(a.to, b.to),
    ),
  };
}

/** Each way of at most so many steps, and how many visits took it. */
function waysOf(selection: Selection, range: Stretch, { start, end, depth }: Way): Promise<Row[]> {
  const { manager, dialect } = selection;
  const q = (name: string): string => manager.connection.driver.escape(name);
  const direction = end === undefined ? 'ASC' : 'DESC';
  const order = `ORDER BY view.date ${direction}, ${dialect.idOrder('view.id')} ${direction}`;
  const visits = selection.visits(range).select('visit.id');
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
      anchor: checkText(start === undefined ? 'end' : 'start', anchor),
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
  return query.getRawMany<Row>();
}

function pathAt(row: Row, i: number): string | undefined {
  return row[`path${i}`] ?? undefined;
}

function countBy<K>(rows: Row[], keyOf: (row: Row) => K | undefined): Map<K, number> {
  const counts = new Map<K, number>();
  for (const row of rows) {
    const key = keyOf(row);
    if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + Number(row.visits));
  }
  return counts;
}

function largest<K extends string | null>(counts: Map<K, number>): [K, number][] {
  return [...counts].sort(([a, n], [b, m]) => m - n || byPath(a, b));
}

/** By code points, as the databases do; what has no path comes last. */
function byPath(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
