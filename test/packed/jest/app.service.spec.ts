import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import Database = require('libsql');
import { ActivityService, DjaffarModule, djaffarMigrations } from 'nestjs-djaffar';
import { djaffar } from 'nestjs-djaffar/client';
import { DjaffarTestingModule, TrackedActivities } from 'nestjs-djaffar/testing';
import { AppService } from './app.service';

describe('AppService', () => {
  it('with the service in its place', async () => {
    const activities = { track: jest.fn(), count: jest.fn().mockResolvedValue(17) };
    const module = await Test.createTestingModule({
      providers: [AppService, { provide: ActivityService, useValue: activities }],
    }).compile();
    await expect(module.get(AppService).buy('pro')).resolves.toBe(17);
    expect(activities.track).toHaveBeenCalledWith({
      path: '/buy',
      name: 'bought',
      properties: { plan: 'pro' },
    });
  });

  it('in memory', async () => {
    const module = await Test.createTestingModule({
      imports: [DjaffarTestingModule.forRoot()],
      providers: [AppService],
    }).compile();
    await expect(module.get(AppService).buy('pro')).resolves.toBe(1);
    expect(module.get(TrackedActivities).list()).toMatchObject([
      { name: 'bought', properties: { plan: 'pro' } },
    ]);
    await module.close();
  });

  it('with the real one', async () => {
    const module: TestingModule = await Test.createTestingModule({
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
      providers: [AppService],
    }).compile();
    await module.init();
    await expect(module.get(AppService).buy('pro')).resolves.toBe(1);
    await module.close();
  });

  it('and the part of the browser', () => {
    expect(typeof djaffar.track).toBe('function');
  });
});
