import type { DataSource, ObjectLiteral } from 'typeorm';
import { Activity, type ActivityOnPage } from '../../../../activity/activity.js';
import { dialectOf } from '../../../../database/dialects/dialect.js';
import type { PageResolver } from '../../../../activity/page.js';
import { uncached } from '../../../../database/primary.js';
import { chunks } from '../../../../database/chunks.js';
import { DAY } from '../../../../time/units.js';

interface Row {
  path: string;
  page: string | null;
  activities: string | number;
}

/** The pages of stored activities, which are outdated after a change of the option `page`. */
export class StoredPages {
  constructor(
    private readonly dataSource: DataSource,
    private readonly pages: PageResolver,
  ) {}

  /** Counts the activities of a day whose page is not the one that the option returns. */
  async countMismatches(day: number): Promise<number> {
    const wrong = await this.findWrong(day);
    return wrong.reduce((count, { activities }) => count + Number(activities), 0);
  }

  /** Sets the pages of a day's activities to those that the option returns. */
  async rebuild(day: number): Promise<void> {
    const paths = new Set((await this.findWrong(day)).map(({ path }) => path));
    for (const some of chunks([...paths])) {
      const parameters: ObjectLiteral = { some };
      const cases = some.map((path, i) => {
        parameters[`path${i}`] = path;
        parameters[`page${i}`] = this.pages.find(path);
        return `WHEN :path${i} THEN :page${i}`;
      });
      await this.dataSource
        .createQueryBuilder()
        .update<Partial<ActivityOnPage>>(Activity)
        .set({ page: () => `CASE path ${cases.join(' ')} END` })
        .where(this.within('date', day))
        .andWhere('path IN (:...some)', parameters)
        .execute();
    }
  }

  private async findWrong(day: number): Promise<Row[]> {
    const { dataSource } = this;
    const rows = await dialectOf(dataSource).reading(dataSource, ({ queryRunner }) =>
      uncached(dataSource, queryRunner)
        .createQueryBuilder(Activity, 'activity')
        .select('activity.path', 'path')
        .addSelect('activity.page', 'page')
        .addSelect('COUNT(*)', 'activities')
        .where(this.within('activity.date', day))
        .groupBy('activity.path')
        .addGroupBy('activity.page')
        .getRawMany<Row>(),
    );
    return rows.filter(({ path, page }) => page !== this.pages.find(path));
  }

  private within(column: string, day: number): string {
    return `${column} >= ${day} AND ${column} < ${day + DAY}`;
  }
}
