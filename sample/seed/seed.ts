import { Logger } from '@nestjs/common';
import type { ActivityService } from '../../lib/index.js';
import { Crowd } from './crowd.js';

/** How many are tracked at once: they share transactions, and stay under `writer.maxWaiting`. */
const AT_ONCE = 1000;

/** Tracks six weeks of made-up activity, for something to look at, where there is none yet. */
export async function seed(activities: ActivityService): Promise<void> {
  const { items } = await activities.find({}, { limit: 1 });
  if (items.length > 0) return;
  const logger = new Logger('Sample');
  logger.log('seeding six weeks of made-up activity (SEED=false leaves it out)');
  const begin = performance.now();
  const steps = new Crowd(new Date()).steps();
  for (let at = 0; at < steps.length; at += AT_ONCE) {
    await Promise.all(steps.slice(at, at + AT_ONCE).map((step) => activities.track(step)));
  }
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  logger.log(`seeded ${steps.length.toLocaleString('en')} activities in ${seconds} s`);
}
