import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type * as OpenTelemetry from '@opentelemetry/api';
import type * as Prometheus from 'prom-client';
import { ActivityWriter } from '../activity/activity.writer.js';
import { OutcomeCounter } from '../diagnostics/outcome-counter.js';
import { Telemetry } from '../diagnostics/telemetry.js';
import { explain } from '../health/causes.js';
import { STORE } from '../options/settings.js';
import type { Store } from '../store/store.js';
import { measureByOpenTelemetry } from './opentelemetry.js';
import { measureByPrometheus } from './prometheus.js';
import { createLagReader, type MetricsSource } from './metrics.js';

/** Measures with the libraries that the app has installed. */
@Injectable()
export class TelemetryLoader implements OnModuleInit, OnApplicationShutdown {
  private readonly ends: (() => void)[] = [];

  constructor(
    private readonly telemetry: Telemetry,
    private readonly outcomes: OutcomeCounter,
    private readonly writer: ActivityWriter,
    @Inject(STORE) private readonly store: Store,
  ) {}

  async onModuleInit(): Promise<void> {
    const { outcomes, writer } = this;
    const source: MetricsSource = {
      totals: () => [...outcomes.totals].filter(([cause]) => isResult(cause)),
      waiting: () => writer.waitingActivities,
      rollupLag: createLagReader(this.store),
    };
    const prometheus = await loadPrometheus();
    if (prometheus) {
      const { instrument, stop } = measureByPrometheus(prometheus, source);
      this.ends.push(this.telemetry.add(instrument), stop);
    }
    const openTelemetry = await loadOpenTelemetry();
    if (openTelemetry) {
      const { instrument, tracer, stop } = measureByOpenTelemetry(openTelemetry, source);
      this.telemetry.trace(tracer);
      this.ends.push(this.telemetry.add(instrument), stop, () => this.telemetry.trace(undefined));
    }
  }

  onApplicationShutdown(): void {
    for (const end of this.ends.splice(0)) end();
  }
}

/** True for what becomes of an activity or a request: each is counted once. */
function isResult(cause: string): boolean {
  return cause === 'stored' || (explain(cause) !== undefined && explain(cause)?.kind !== 'marked');
}

async function loadPrometheus(): Promise<typeof Prometheus | undefined> {
  try {
    return withExport(await import('prom-client'), 'register');
  } catch {
    return undefined;
  }
}

async function loadOpenTelemetry(): Promise<typeof OpenTelemetry | undefined> {
  try {
    return withExport(await import('@opentelemetry/api'), 'SpanStatusCode');
  } catch {
    return undefined;
  }
}

/**
 * Returns a loaded module. Of CommonJS, some loaders and bundlers find only the default export, which is the module.
 * @throws Error if it is another version
 */
function withExport<T extends object>(loaded: T & { default?: unknown }, name: string): T {
  if (name in loaded) return loaded;
  const { default: module } = loaded;
  if (typeof module !== 'object' || module === null || !(name in module)) throw new Error(`no ${name}`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the default export has the named ones
  return module as T;
}
