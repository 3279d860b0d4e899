import { readFileSync } from 'node:fs';
import { Controller, Get, Injectable } from '@nestjs/common';
import { HealthCheck, type HealthCheckResult, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { register } from 'prom-client';
import { ActivityService, ActivityStats, DjaffarHealthIndicator } from '../../lib/index.js';
import { FOUND } from '../support/databases.js';
import { ADAPTERS, type Host, type HostOptions, startHost } from '../support/host.js';

const date = '2026-02-03T04:05:06.789Z';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

let host: Host | undefined;

async function start(options: Partial<HostOptions> = {}): Promise<Host> {
  host = await startHost({ adapter: 'express', ...options });
  return host;
}

afterEach(async () => {
  await host?.close();
  host = undefined;
});

describe('metrics of prom-client', () => {
  async function valuesOf(metric: string): Promise<Record<string, number>> {
    const found = await register.getSingleMetric(metric)?.get();
    return Object.fromEntries(
      (found?.values ?? []).map(({ labels, value, ...rest }) => [
        [String(Reflect.get(rest, 'metricName') ?? metric), ...Object.values(labels)].join(' '),
        value,
      ]),
    );
  }

  beforeEach(() => register.resetMetrics());

  it.each(FOUND)('have what was stored and refused, and how long it took, on %s', async (database) => {
    const running = await start({
      database,
      djaffar: { transform: (each) => (each.path === '/no' ? null : each) },
    });
    await running.post({ date, path: '/' });
    await running.post({
      activities: [
        { date, path: '/a' },
        { date, path: '/no' },
      ],
    });
    await running.post({ path: '/' });
    await running.app.get(ActivityStats, { strict: false }).overview();
    await running.app.get(ActivityStats, { strict: false }).top('path');
    const total = 'djaffar_activities_total';
    expect(await valuesOf(total)).toEqual({
      [`${total} stored`]: 2,
      [`${total} transform`]: 1,
      [`${total} 400.date`]: 1,
    });
    expect(await valuesOf('djaffar_waiting')).toEqual({ djaffar_waiting: 0 });
    expect(await valuesOf('djaffar_rollup_lag_seconds')).toEqual({
      djaffar_rollup_lag_seconds: expect.any(Number),
    });
    expect((await valuesOf('djaffar_commit_seconds'))['djaffar_commit_seconds_count']).toBe(2);
    const questions = await valuesOf('djaffar_question_seconds');
    expect(questions).toMatchObject({
      'djaffar_question_seconds_count overview': 1,
      'djaffar_question_seconds_count top': 1,
    });
  });

  it('add up several modules, and forget those that have ended', async () => {
    const first = await start();
    const second = await startHost({ adapter: 'fastify' });
    await first.post({ date, path: '/' });
    await second.post({ date, path: '/' });
    expect(await valuesOf('djaffar_activities_total')).toEqual({ 'djaffar_activities_total stored': 2 });
    await second.close();
    expect(await valuesOf('djaffar_activities_total')).toEqual({ 'djaffar_activities_total stored': 1 });
  });

  it('are those of the dashboard for Grafana', async () => {
    await start();
    const names = new Set(
      readFileSync('docs/grafana.json', 'utf8').match(/djaffar_\w+?(?=_bucket|_count|\{|,)/g),
    );
    expect(names.size).toBe(5);
    for (const name of names) expect(register.getSingleMetric(name)).toBeDefined();
  });
});

describe('OpenTelemetry', () => {
  const spans = new InMemorySpanExporter();
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meters = new MeterProvider({ readers: [reader] });

  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager());
    trace.setGlobalTracerProvider(
      new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }),
    );
    metrics.setGlobalMeterProvider(meters);
  });

  beforeEach(() => {
    spans.reset();
    exporter.reset();
  });

  afterAll(async () => {
    await meters.shutdown();
    for (const api of [context, trace, metrics]) api.disable();
  });

  it('has the metrics', async () => {
    const running = await start();
    await running.post({ date, path: '/' });
    await running.post({ path: '/' });
    await running.app.get(ActivityStats, { strict: false }).overview();
    await meters.forceFlush();
    const found = exporter
      .getMetrics()
      .at(-1)
      ?.scopeMetrics.find(({ scope }) => scope.name === 'nestjs-djaffar');
    const points = new Map(found?.metrics.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints]));
    expect([...points.keys()].sort()).toEqual([
      'djaffar_activities_total',
      'djaffar_commit_seconds',
      'djaffar_question_seconds',
      'djaffar_rollup_lag_seconds',
      'djaffar_waiting',
    ]);
    expect(
      points
        .get('djaffar_activities_total')
        ?.map(({ attributes, value }) => [attributes.result, value])
        .sort(),
    ).toEqual([
      ['400.date', 1],
      ['stored', 1],
    ]);
  });

  it('has a span for each transaction, and one for each question in the trace of who asks', async () => {
    const running = await start();
    await running.post({
      activities: [
        { date, path: '/' },
        { date, path: '/a' },
      ],
    });
    const tracer = trace.getTracer('test');
    await tracer.startActiveSpan('request', async (span) => {
      await running.app.get(ActivityStats, { strict: false }).overview();
      span.end();
    });
    const found = spans.getFinishedSpans();
    const named = (name: string) => found.find((span) => span.name === name);
    expect(named('djaffar.commit')).toMatchObject({ attributes: { 'djaffar.activities': 2 } });
    expect(named('djaffar.commit')?.parentSpanContext).toBeUndefined();
    expect(named('djaffar.question')).toMatchObject({
      attributes: { 'djaffar.question': 'overview' },
      parentSpanContext: { traceId: named('request')?.spanContext().traceId },
    });
  });

  it('marks a span that fails', async () => {
    const running = await start({ djaffar: { writer: { timeout: 1000 } } });
    await running.dataSource.query('ALTER TABLE djaffar_activity RENAME TO hidden');
    expect((await running.post({ date, path: '/' })).status).toBe(503);
    const failed = spans.getFinishedSpans().filter(({ name }) => name === 'djaffar.commit');
    expect(failed[0]).toMatchObject({
      status: { code: 2, message: expect.stringContaining('djaffar_activity') },
    });
  });

  it('gives an activity of server code the id of the active span', async () => {
    const running = await start({ djaffar: { traceProperty: 'trace' } });
    const activities = running.app.get(ActivityService, { strict: false });
    const id = await trace.getTracer('test').startActiveSpan('job', async (span) => {
      await activities.track({ path: '/', name: 'done', properties: { a: 1 } });
      span.end();
      return span.spanContext().traceId;
    });
    expect(await running.stored()).toMatchObject([{ properties: { a: 1, trace: id } }]);
  });
});

describe.each(ADAPTERS)('the option traceProperty on %s', (adapter) => {
  const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`;

  it('keeps the id of the header, if it is one', async () => {
    const running = await start({ adapter, djaffar: { traceProperty: 'traceId' } });
    await running.post({ date, path: '/1', properties: { plan: 'pro' } }, { traceparent });
    await running.post({ date, path: '/2' }, { traceparent: 'nonsense' });
    await running.post({ date, path: '/3' }, { traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01` });
    const found = (await running.stored()).sort((a, b) => (a.path < b.path ? -1 : 1));
    expect(found.map(({ properties }) => properties)).toEqual([{ plan: 'pro', traceId: TRACE }, null, null]);
  });

  it('keeps none without the option, nor of a browser that asks not to be tracked', async () => {
    const first = await start({ adapter });
    await first.post({ date, path: '/' }, { traceparent });
    expect(await first.stored()).toMatchObject([{ properties: null }]);
    await first.close();
    const second = await start({ adapter, djaffar: { traceProperty: 'traceId', respect: 'anonymise' } });
    await second.post({ date, path: '/' }, { traceparent, DNT: '1' });
    expect(await second.stored()).toMatchObject([{ properties: null }]);
  });
});

describe('DjaffarHealthIndicator', () => {
  @Controller('health')
  @Injectable()
  class HealthController {
    constructor(
      private readonly health: HealthCheckService,
      private readonly djaffar: DjaffarHealthIndicator,
    ) {}

    @Get()
    @HealthCheck()
    check(): Promise<HealthCheckResult> {
      return this.health.check([() => this.djaffar.isHealthy('djaffar', { timeout: 60_000 })]);
    }
  }

  const terminus = { imports: [TerminusModule.forRoot({ logger: false })], controllers: [HealthController] };

  it.each(ADAPTERS)('says to Terminus that activities can be stored, or not, on %s', async (adapter) => {
    const running = await start({ ...terminus, adapter });
    const up = await running.fetch('/health');
    expect([up.status, await up.json()]).toMatchObject([
      200,
      { status: 'ok', info: { djaffar: { status: 'up', waiting: 0 } } },
    ]);
    const indicator = running.app.get(DjaffarHealthIndicator);
    expect(await indicator.isHealthy(undefined, { timeout: 60_000 })).toMatchObject({
      djaffar: { status: 'up' },
    });
    await running.dataSource.query('ALTER TABLE djaffar_dirty_range RENAME TO hidden');
    const down = await running.fetch('/health');
    expect([down.status, await down.json()]).toMatchObject([
      503,
      {
        status: 'error',
        error: { djaffar: { status: 'down', message: expect.stringContaining('djaffar_dirty_range') } },
      },
    ]);
  });

  it('is down if the statistics are too far behind, if that is asked for', async () => {
    const running = await start({ djaffar: { statistics: { background: false } } });
    const indicator = running.app.get(DjaffarHealthIndicator, { strict: false });
    await running.post({ date, path: '/' });
    const [row]: { createdAt: number }[] = await running.dataSource.query(
      'SELECT "createdAt" FROM djaffar_dirty_range',
    );
    await running.dataSource.query(
      `UPDATE djaffar_dirty_range SET "createdAt" = ${Number(row?.createdAt) - 600_000}`,
    );
    expect(await indicator.isHealthy('a', { maxRollupLag: 300, timeout: 60_000 })).toMatchObject({
      a: { status: 'down', message: expect.stringContaining('behind') },
    });
    expect(await indicator.isHealthy('a', { timeout: 60_000 })).toMatchObject({ a: { status: 'up' } });
  });
});

const describeOnPostgres = FOUND.includes('postgres') ? describe : describe.skip;

describeOnPostgres('DjaffarHealthIndicator on PostgreSQL', () => {
  it('is down if the database is silent', async () => {
    const running = await start({ database: 'postgres' });
    const indicator = running.app.get(DjaffarHealthIndicator, { strict: false });
    await running.dataSource.transaction(async (manager) => {
      await manager.query('LOCK TABLE djaffar_dirty_range IN ACCESS EXCLUSIVE MODE');
      expect(await indicator.isHealthy('a', { timeout: 100 })).toMatchObject({
        a: { status: 'down', message: 'the database did not answer within 100 ms' },
      });
    });
    expect(await indicator.isHealthy('a', { timeout: 60_000 })).toMatchObject({ a: { status: 'up' } });
  });
});
