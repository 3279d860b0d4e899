import { askFor } from './ask.js';
import { activity, startLoad, visitId } from './load.js';
import { openStage } from './stage.js';
import type { DatabaseName } from '../../test/support/databases.js';

const DAY = 86_400_000;

/** A month up to now. */
const recent = () => ({ from: new Date(Date.now() - 30 * DAY), to: new Date(Date.now() + DAY) });

/** `overview` while so many activities a second arrive. */
export async function underLoad(database: DatabaseName, perSecond: number, seconds = 20): Promise<object> {
  const stage = await openStage(database);
  try {
    const [instance] = stage.instances;
    if (!instance) throw new Error('no instance');
    const load = startLoad(instance, perSecond);
    const asked = await askFor(seconds * 1000, () => instance.stats.overview(recent()));
    const perSecondStored = Math.round(load.stored / seconds);
    await load.stop();
    return { database, perSecond, stored: perSecondStored, ...asked };
  } finally {
    await stage.close();
  }
}

/** `overview` of the last days after activities were sent on so many past days. */
export async function pastDays(database: DatabaseName, days: number, perDay: number): Promise<object> {
  const stage = await openStage(database);
  try {
    const [instance] = stage.instances;
    if (!instance) throw new Error('no instance');
    await instance.writer.write([activity(new Date(), 's', visitId(Date.now()))]);
    const quiet = await askFor(500, () => instance.stats.overview(recent()), 20);
    const today = Date.now() - (Date.now() % DAY);
    for (let day = 40; day < 40 + days; day++) {
      const date = today - day * DAY + DAY / 2;
      const late = Array.from({ length: perDay }, (_, i) =>
        activity(new Date(date + i * 60_000), `s${day % 97}`, visitId(date), `/${i}`),
      );
      await instance.writer.write(late);
    }
    const begun = process.cpuUsage();
    const start = performance.now();
    const caughtUp = instance.rollup.drain();
    const asked = await askFor(1000, () => instance.stats.overview(recent()), 50);
    await caughtUp;
    const { user, system } = process.cpuUsage(begun);
    return {
      database,
      days,
      perDay,
      quiet: quiet.median,
      ...asked,
      caughtUp: Math.round(performance.now() - start),
      cpu: Math.round((user + system) / 1000),
    };
  } finally {
    await stage.close();
  }
}

/** What one more activity costs of a session with so many visits, and of a visit with so many activities. */
export async function large(database: DatabaseName, visits: number, activities: number): Promise<object> {
  const stage = await openStage(database);
  try {
    const [instance] = stage.instances;
    if (!instance) throw new Error('no instance');
    const { writer, rollup } = instance;
    const start = Date.now() - DAY;
    const write = async (count: number, make: (i: number) => ReturnType<typeof activity>) => {
      for (let at = 0; at < count; at += 500)
        await writer.write(Array.from({ length: Math.min(500, count - at) }, (_, i) => make(at + i)));
      await rollup.drain();
    };
    const costOf = async (make: () => ReturnType<typeof activity>): Promise<number> => {
      const begun = performance.now();
      for (let i = 0; i < 5; i++) {
        await writer.write([make()]);
        await rollup.drain();
      }
      return Math.round((performance.now() - begun) / 5);
    };
    const small = await costOf(() => activity(new Date(), 'small', visitId(Date.now())));
    await write(visits, (i) => activity(new Date(start + i), 'large', visitId(start + i)));
    const session = await costOf(() => activity(new Date(), 'large', visitId(Date.now())));
    const visit = visitId(start);
    await write(activities, (i) => activity(new Date(start + i), 'one', visit, `/${i % 50}`));
    const ofVisit = await costOf(() => activity(new Date(), 'one', visit));
    return { database, visits, activities, small, session, visit: ofVisit };
  } finally {
    await stage.close();
  }
}
