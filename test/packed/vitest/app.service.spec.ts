import 'reflect-metadata';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import Database from 'libsql';
import { ActivityService, ActivityStats, DjaffarModule, djaffarMigrations } from 'nestjs-djaffar';
import { djaffar } from 'nestjs-djaffar/client';
import { DjaffarTestingModule, TrackedActivities } from 'nestjs-djaffar/testing';
import { expect, it } from 'vitest';

it('tracks and counts', async () => {
  const module = await Test.createTestingModule({
    imports: [
      TypeOrmModule.forRoot({
        type: 'better-sqlite3',
        driver: Database,
        database: ':memory:',
        autoLoadEntities: true,
        migrations: [...djaffarMigrations],
        migrationsRun: true,
      }),
      DjaffarModule.forRoot(),
    ],
  }).compile();
  await module.init();
  await module.get(ActivityService).track({ path: '/buy', session: 'a', visit: 'b' });
  const { views } = await module.get(ActivityStats).overview();
  expect(views.value).toBe(1);
  expect(typeof djaffar.track).toBe('function');
  await module.close();
});

it('tracks into memory', async () => {
  const tracked = new TrackedActivities();
  const app = Test.createTestingModule({ imports: [DjaffarTestingModule.forRoot()] });
  const module = await tracked.use(app).compile();
  await module.get(ActivityService).track({ path: '/buy' });
  expect(tracked.list()).toMatchObject([{ path: '/buy' }]);
  await module.close();
});
