import { Between, type DataSource } from 'typeorm';
import { Activity } from '../../activity/activity.entity.js';
import { dialectOf, type Statement } from '../../activity/dialects/dialect.js';
import { leaveOutBots } from '../bots.js';
import { DAY, floor, type Stretch } from '../stretch.js';
import { PropertyDay, type ValueCount } from './property-day.entity.js';
import { RollupState, Total } from './sums.entity.js';

/** Characters; of a longer key nothing is kept. */
export const MAX_KEY = 64;
/** Of a day that has more values of a property, or longer ones, its activities are looked at each time. */
export const MAX_VALUES = 1000;
const MAX_BYTES = 60_000;

/** Keeps how often properties have which values, day by day. */
export class PropertyDays {
  constructor(private readonly dataSource: DataSource) {}

  /** Sees to it that the days of a range that are over are kept, as far as nobody else changes the statistics meanwhile. */
  async keep(property: string, range: Stretch): Promise<void> {
    const first = await this.dataSource
      .createQueryBuilder(Total, 'total')
      .select('MIN(total.startedAt)', 'instant')
      .getRawOne<{ instant: string | number | null }>();
    const since = Math.max(range.since, Number(first?.instant ?? Number.POSITIVE_INFINITY));
    const until = floor(Math.min(range.until, Date.now()), DAY);
    if (!(since < until)) return;
    const kept = await this.dataSource.manager.find(PropertyDay, {
      select: { startedAt: true },
      where: { property, startedAt: Between(new Date(range.since), new Date(until)) },
    });
    const days = new Set(kept.map(({ startedAt }) => startedAt.getTime()));
    for (let day = floor(since, DAY); day < until; day += DAY)
      if (day >= range.since && !days.has(day)) await this.keepDay(property, day);
  }

  /** What forgets a day. */
  forget(day: number): Statement {
    return this.dataSource
      .createQueryBuilder()
      .delete()
      .from(PropertyDay)
      .where({ startedAt: new Date(day) })
      .getQueryAndParameters();
  }

  /** How many of what is kept of a day is not what the activities say. */
  async wrongOn(day: number): Promise<number> {
    let wrong = 0;
    for (const { property, counts } of await this.dataSource.manager.findBy(PropertyDay, {
      startedAt: new Date(day),
    }))
      if (counts !== (await this.count(property, day))) wrong += 1;
    return wrong;
  }

  /** Not where the statistics are changed meanwhile, as the day may be among what was: the next who asks tries again. */
  private async keepDay(property: string, day: number): Promise<void> {
    const { id, version } = await this.dataSource.manager.findOneByOrFail(RollupState, { id: 1 });
    const row = { startedAt: new Date(day), property, counts: await this.count(property, day) };
    // It changes nothing, but waits for who does, and has them wait. Who keeps the same day meanwhile, keeps the same.
    const guard = this.dataSource
      .createQueryBuilder()
      .update(RollupState)
      .set({ version })
      .where({ id, version });
    const insertion = this.dataSource
      .createQueryBuilder()
      .insert()
      .into(PropertyDay)
      .values(row)
      .orIgnore()
      .updateEntity(false);
    await dialectOf(this.dataSource).transact(this.dataSource, guard.getQueryAndParameters(), [
      insertion.getQueryAndParameters(),
    ]);
  }

  private async count(property: string, day: number): Promise<string | null> {
    const dialect = dialectOf(this.dataSource);
    const date = dialect.dateKey('activity.date');
    const value = dialect.property('activity.properties', ':property');
    const query = this.dataSource
      .createQueryBuilder(Activity, 'activity')
      .select('activity.name', 'name')
      .addSelect(value, 'value')
      .addSelect('COUNT(*)', 'count')
      .where(`${date} >= :since AND ${date} < :until`, { since: day, until: day + DAY })
      .andWhere('activity.properties IS NOT NULL')
      .andWhere(`${value} IS NOT NULL`, { property })
      .groupBy('activity.name')
      .addGroupBy('value')
      .orderBy('name')
      .addOrderBy('value')
      .limit(MAX_VALUES + 1);
    leaveOutBots(query);
    const rows = await query.getRawMany<{ name: string; value: string; count: string | number }>();
    const counts = JSON.stringify(
      rows.map(({ name, value: text, count }): ValueCount => [name, text, Number(count)]),
    );
    return rows.length > MAX_VALUES || Buffer.byteLength(counts) > MAX_BYTES ? null : counts;
  }
}
