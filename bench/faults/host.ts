import 'reflect-metadata';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Controller, Get, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TypeOrmModule, type TypeOrmModuleOptions } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { DjaffarModule, djaffarMigrations } from '../../lib/index.js';
import { databaseOptions } from '../../sample/database.js';

// The host under test, in a separate process that process.ts starts.
const { ADAPTER = 'fastify', DATABASE_URL, POOL, BACKGROUND = 'true' } = process.env;

const loop = monitorEventLoopDelay({ resolution: 10 });
loop.enable();

@Controller()
class HostController {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  /** The host's own query. */
  @Get('health')
  health(): Promise<unknown> {
    return this.dataSource.query('SELECT 1');
  }

  /** Memory in bytes, and blocks of the event loop in milliseconds since the previous request. */
  @Get('usage')
  async usage(): Promise<{ heap: number; longest: number; p99: number }> {
    const [longest, p99] = [loop.max / 1e6, loop.percentile(99) / 1e6];
    globalThis.gc?.();
    const heap = process.memoryUsage().heapUsed;
    // Excludes the garbage collection from the measurement.
    await pause(100);
    loop.reset();
    return { heap, longest, p99 };
  }
}

const everybody = { guards: [{ canActivate: () => true }] };

@Module({
  imports: [
    TypeOrmModule.forRoot({
      ...databaseOptions(DATABASE_URL),
      ...(POOL && { poolSize: Number(POOL) }),
      autoLoadEntities: true,
      migrations: [...djaffarMigrations],
    } as TypeOrmModuleOptions),
    DjaffarModule.forRoot({
      api: everybody,
      dashboard: everybody,
      statistics: { background: BACKGROUND === 'true' },
    }),
  ],
  controllers: [HostController],
})
class FaultyModule {}

const app = await NestFactory.create(
  FaultyModule,
  ADAPTER === 'express' ? new ExpressAdapter() : new FastifyAdapter(),
  { logger: ['error', 'warn'] },
);
app.enableShutdownHooks(undefined, { useProcessExit: true });
let longest = 0;
// Before the adapter, so that its time is included.
app.getHttpServer().prependListener('request', ({ method }: IncomingMessage, response: ServerResponse) => {
  if (method !== 'POST') return;
  const begun = performance.now();
  response.once('close', () => {
    const took = performance.now() - begun;
    if (took < longest + 1) return;
    longest = took;
    process.send?.({ longest });
  });
});
await app.listen(0, '127.0.0.1');
process.stdout.write(`ready on http://127.0.0.1:${app.getHttpServer().address().port}/\n`);
