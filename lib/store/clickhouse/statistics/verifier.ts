import { PageResolver } from '../../../activity/page.js';
import type { PageOption } from '../../../options/store.options.js';
import type { Mismatches, Progress } from '../../store.js';
import type { Server } from '../server.js';
import { lists, text } from '../sql.js';
import { ACTIVITY, VISIT } from '../tables.js';
import { COLUMNS, rebuildVisits, visitsSql } from './visit-builder.js';

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
    page: PageOption,
  ) {
    this.pages = new PageResolver(page);
  }

  async check(onProgress?: Progress): Promise<Mismatches> {
    onProgress?.(0, 2);
    let pages = 0;
    for await (const rows of this.wrongPages()) for (const { activities } of rows) pages += activities;
    onProgress?.(1, 2);
    const hash = `cityHash64(${COLUMNS.join(', ')})`;
    const [row] = await this.server.query<{ visits: number }>(
      `SELECT countIf(NOT (computed.hash <=> stored.hash)) AS visits
      FROM (SELECT id, ${hash} AS hash FROM (${visitsSql()})) AS computed
      FULL JOIN (SELECT id, ${hash} AS hash FROM ${VISIT} FINAL) AS stored ON stored.id = computed.id`,
    );
    onProgress?.(2, 2);
    return { visits: row?.visits ?? 0, sums: 0, pages };
  }

  async rebuild(onProgress?: Progress): Promise<void> {
    onProgress?.(0, 2);
    for await (const rows of this.wrongPages()) await this.mendPages(rows);
    onProgress?.(1, 2);
    await rebuildVisits(
      this.server,
      `SELECT DISTINCT visitId FROM ${ACTIVITY} WHERE visitId != '' UNION DISTINCT SELECT id FROM ${VISIT}`,
    );
    onProgress?.(2, 2);
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
