import { Logger } from '@nestjs/common';
import type { ActivityService } from '../../lib/index.js';
import { Crowd } from './crowd.js';

/** How many activities are tracked at once: they share transactions, and a slow machine stores them within `writer.timeout`. */
const BATCH_SIZE = 250;

/** Generates six weeks of activities if there are none. */
export async function seed(activities: ActivityService): Promise<void> {
  const { items } = await activities.find({}, { limit: 1 });
  if (items.length > 0) return;
  const logger = new Logger('Sample');
  logger.log('generating six weeks of activities (disable with SEED=false)');
  const begin = performance.now();
  const steps = new Crowd(new Date()).steps();
  for (let at = 0; at < steps.length; at += BATCH_SIZE) {
    await Promise.all(steps.slice(at, at + BATCH_SIZE).map((step) => activities.track(step)));
  }
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  logger.log(`generated ${steps.length.toLocaleString('en')} activities in ${seconds} s`);
}
