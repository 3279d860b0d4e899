import { PageResolver } from '../../../activity/page.js';
import type { PageOption } from '../../../options/store.options.js';
import type { Mismatches, Progress } from '../../store.js';
import type { Server } from '../server.js';
import { lists, text } from '../sql.js';
import { ACTIVITY, VISIT } from '../tables.js';
import { COLUMNS, rebuildAllVisits, visitsSql } from './visit-builder.js';
import { listVisitRanges, type VisitSelection } from './visit-selection.js';

/** The number of paths that are compared by one query. */
const PATHS = 10_000;

interface PathRow {
  path: string;
  page: string | null;
  activities: number;
}

/** Compares derived data with the activities, and recomputes them. */
export class Verifier {
  private readonly pages: PageResolver;

  constructor(
    private readonly server: Server,
    /** Updates the visits, and returns the time up to which they are complete. */
    private readonly update: () => Promise<number>,
    page: PageOption,
  ) {
    this.pages = new PageResolver(page);
  }

  async check(onProgress?: Progress): Promise<Mismatches> {
    const asOf = await this.update();
    const ranges = await listVisitRanges(this.server);
    onProgress?.(0, ranges.length + 1);
    let pages = 0;
    for await (const rows of this.wrongPages()) for (const { activities } of rows) pages += activities;
    let visits = 0;
    for (const [i, range] of ranges.entries()) {
      onProgress?.(i + 1, ranges.length + 1);
      visits += await this.countWrongVisits(range, asOf);
    }
    onProgress?.(ranges.length + 1, ranges.length + 1);
    return { visits, sums: 0, pages };
  }

  async rebuild(onProgress?: Progress): Promise<void> {
    await this.update();
    for await (const rows of this.wrongPages()) await this.mendPages(rows);
    await rebuildAllVisits(this.server, 0, onProgress);
  }

  /** Counts the visits that differ from their activities, if these were written before `asOf`. */
  private async countWrongVisits(range: VisitSelection, asOf: number): Promise<number> {
    // As a text: the hash of a NULL is NULL.
    const hash = `cityHash64(toString(tuple(${COLUMNS.join(', ')})))`;
    const count = async (): Promise<number> => {
      const [row] = await this.server.query<{ visits: number }>(
        `SELECT countIf(NOT (computed.hash <=> stored.hash) AND ifNull(computed.writtenUntil, 0) < ${asOf}) AS visits
        FROM (SELECT id, writtenUntil, ${hash} AS hash FROM (${visitsSql(range)})) AS computed
        FULL JOIN (SELECT id, ${hash} AS hash FROM ${VISIT} FINAL WHERE ${range.matches('id')}) AS stored
          ON stored.id = computed.id`,
      );
      return row?.visits ?? 0;
    };
    if ((await count()) === 0) return 0;
    // Activities may have become visible, or been erased, since the last update.
    await this.update();
    return count();
  }

  private async *wrongPages(): AsyncGenerator<PathRow[], void, void> {
    let after = '';
    for (;;) {
      const rows = await this.server.query<PathRow>(
        `SELECT path, page, count() AS activities FROM ${ACTIVITY} WHERE path > ${text(after)}
        GROUP BY path, page ORDER BY path LIMIT ${PATHS} WITH TIES`,
      );
      const wrong = rows.filter(({ path, page }) => this.pages.find(path) !== page);
      if (wrong.length > 0) yield wrong;
      if (rows.length < PATHS) return;
      after = rows.at(-1)?.path ?? '';
    }
  }

  private async mendPages(rows: PathRow[]): Promise<void> {
    for (const some of lists([...new Set(rows.map(({ path }) => path))], 1000)) {
      const paths = some.map(text).join(', ');
      const pages = some.map((path) => text(this.pages.find(path) ?? path)).join(', ');
      const page = `transform(path, [${paths}], [${pages}])`;
      await this.server.command(
        `ALTER TABLE ${ACTIVITY} UPDATE page = if(${page} = path, NULL, ${page}) WHERE path IN (${paths})`,
      );
    }
  }
}
