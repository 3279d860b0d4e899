import { Logger } from '@nestjs/common';
import { IncidentLog } from '../../lib/diagnostics/incident-log.js';
import type { DjaffarOptions } from '../../lib/options/djaffar.options.js';
import { toSettings } from '../../lib/options/validation.js';
import { RetentionService } from '../../lib/privacy/retention.service.js';
import type { RetentionPlan, RetentionResult } from '../../lib/store/erasure.types.js';
import { MemoryStore } from '../support/memory-store.js';

const MINUTE = 60_000;
const START = Date.UTC(2026, 10, 28, 23, 45);
const OPTIONS: DjaffarOptions = { retention: { keep: '90 days' } };

/** A store that notes when it is to erase, in minutes since the start. */
class RetainingStore extends MemoryStore {
  readonly lines: string[] = [];
  override readonly incidents = new IncidentLog(
    {
      log: (line: string) => this.lines.push(line),
      warn: (line: string) => this.lines.push(`warn ${line}`),
      error: (line: string) => this.lines.push(`error ${line}`),
    },
    { now: Date.now },
  );
  readonly runs: number[] = [];
  plan: RetentionPlan | undefined;
  result: RetentionResult = { erased: 0, anonymised: 0 };
  failure: Error | undefined;
  /** Milliseconds of a step. */
  took: number | undefined;
  private doneAt = 0;

  override async retainedAt(): Promise<{ doneAt: number; now: number }> {
    return { doneAt: this.doneAt, now: Date.now() };
  }

  override async retain(
    plan?: RetentionPlan,
    afterStep?: (took: number) => void | Promise<void>,
  ): Promise<RetentionResult> {
    this.runs.push((Date.now() - START) / MINUTE);
    this.plan = plan;
    if (this.took !== undefined) await afterStep?.(this.took);
    if (this.failure) throw this.failure;
    this.doneAt = Date.now();
    return this.result;
  }
}

let store: RetainingStore;
let log: jest.SpyInstance;

beforeEach(() => {
  jest.useFakeTimers({ now: START });
  store = new RetainingStore();
  log = jest.spyOn(Logger.prototype, 'log').mockImplementation();
});

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

function start(options: DjaffarOptions = OPTIONS): RetentionService {
  const service = new RetentionService(store, toSettings(options));
  service.onApplicationBootstrap();
  return service;
}

const pass = (minutes: number): Promise<void> => jest.advanceTimersByTimeAsync(minutes * MINUTE);

describe('the option retention', () => {
  it('is applied a minute after the start, and again within ten minutes after a day has begun', async () => {
    start();
    await pass(0.99);
    expect(store.runs).toEqual([]);
    await pass(25 * 60);
    expect(store.runs).toEqual([1, 21, 24 * 60 + 21]);
    expect(store.plan).toMatchObject({ eraseBefore: Date.UTC(2026, 8, 1) });
  });

  it('is tried again if it fails, which is logged when it begins and when it is over', async () => {
    store.failure = new Error('no connection');
    start();
    await pass(11);
    store.failure = undefined;
    await pass(10);
    expect(store.runs).toEqual([1, 11, 21]);
    expect(store.lines).toEqual([
      'warn activities that are too old cannot be erased: Error: no connection',
      expect.stringMatching(/^warn .* 2 times in 600 s: Error: no connection$/),
      'over after 1200 s (2 times): activities that are too old cannot be erased',
    ]);
  });

  it.each([
    [{ erased: 2, anonymised: 0 }, ['retention: 2 activities erased, 0 anonymised']],
    [{ erased: 0, anonymised: 3 }, ['retention: 0 activities erased, 3 anonymised']],
    [{ erased: 0, anonymised: 0 }, []],
  ])('logs what it has done: %o', async (result, lines) => {
    store.result = result;
    start();
    await pass(1);
    expect(log.mock.calls.flat()).toEqual(lines);
  });

  it('is not applied without it, or without work in the background', async () => {
    start({});
    await start({ ...OPTIONS, statistics: { background: false } }).runIfDue();
    await pass(60);
    expect([store.runs, store.lines]).toEqual([[], []]);
  });

  it('ends with the application', async () => {
    await start().beforeApplicationShutdown();
    await pass(60);
    expect(store.runs).toEqual([]);
  });

  it('ends between two steps with the application, which is no failure', async () => {
    store.took = 1000;
    store.result = { erased: 1, anonymised: 0 };
    const service = start();
    await pass(1);
    await service.beforeApplicationShutdown();
    await pass(60);
    expect([store.runs, store.lines]).toEqual([[1], []]);
    expect(log).not.toHaveBeenCalled();
  });
});
