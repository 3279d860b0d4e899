import 'reflect-metadata';
import { appendFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { type Activity, ActivityService, DjaffarModule } from '../../lib/index.js';
import { databaseOptions } from '../../sample/database.js';

// An instance of an application that has a subscription, for delivery-proof.ts: it either stores activities or delivers them.
const { DATABASE_URL = '', ROLE = '', DELIVERIES = '', COUNT = '0', LEASE = '1000' } = process.env;

/** Writes one line when the handler begins, and one when it has ended. */
async function handle(activities: Activity[]): Promise<void> {
  const note = (kind: string): void =>
    appendFileSync(
      DELIVERIES,
      `${kind} ${process.pid} ${process.hrtime.bigint()} ${activities.map(({ id }) => id).join(',')}\n`,
    );
  note('begin');
  // So that the process may be killed in between.
  for (let i = 0; i < 20; i++) await setImmediate();
  note('end');
}

@Module({
  imports: [
    TypeOrmModule.forRoot({ ...databaseOptions(DATABASE_URL), autoLoadEntities: true }),
    DjaffarModule.forRoot({
      subscriptions: [{ name: 'proof', lease: Number(LEASE), maxFailures: 1000, handler: handle }],
      statistics: { background: ROLE === 'subscriber' },
    }),
  ],
})
class SubscriberModule {}

const app = await NestFactory.createApplicationContext(SubscriberModule, { logger: ['error'] });
app.enableShutdownHooks();
process.stdout.write('ready\n');
if (ROLE === 'writer') {
  await write(app.get(ActivityService, { strict: false }), app.get(DataSource));
  await app.close();
}

/** Stores activities in batches of fifty. Every fifth batch is in a transaction that stays open while the next ones are committed. */
async function write(activities: ActivityService, dataSource: DataSource): Promise<void> {
  const total = Number(COUNT);
  const isOneConnection = DATABASE_URL.startsWith('sqlite');
  let held: Promise<void> | undefined;
  for (let from = 0, group = 0; from < total; from += 50, group++) {
    const numbers = Array.from({ length: Math.min(50, total - from) }, (_, i) => from + i);
    const trackAll = async (options?: Parameters<ActivityService['track']>[1]): Promise<void> => {
      const track = (n: number): Promise<void> => activities.track({ name: 'proof', path: `/${n}` }, options);
      if (!options) await Promise.all(numbers.map(track));
      else for (const n of numbers) await track(n);
    };
    if (isOneConnection || group % 5 > 0) {
      await trackAll();
      continue;
    }
    await held;
    held = dataSource.transaction(async (manager) => {
      await trackAll({ manager });
      for (let i = 0; i < 2000; i++) await setImmediate();
    });
  }
  await held;
}
