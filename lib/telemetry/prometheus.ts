import type * as Prometheus from 'prom-client';
import type { Instrument } from '../diagnostics/telemetry.js';
import { BUCKETS, METRICS, type MetricsSource } from './metrics.js';

/** Each module of the process: all share the metrics of the default registry. */
const sources = new Set<MetricsSource>();

/** Adds the metrics to the default registry of `prom-client`, which the app exposes. */
export function measureByPrometheus(
  { register, Counter, Gauge, Histogram }: typeof Prometheus,
  source: MetricsSource,
): { instrument: Instrument; stop: () => void } {
  const once = <T extends Prometheus.Metric>(name: string, create: () => T): T => {
    const found = register.getSingleMetric(name);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody else has these names
    return found ? (found as unknown as T) : create();
  };
  sources.add(source);
  once(
    METRICS.activities.name,
    () =>
      new Counter({
        ...METRICS.activities,
        labelNames: ['result'],
        collect() {
          this.reset();
          for (const each of sources)
            for (const [result, count] of each.totals()) this.inc({ result }, count);
        },
      }),
  );
  once(
    METRICS.waiting.name,
    () =>
      new Gauge({
        ...METRICS.waiting,
        collect() {
          this.set([...sources].reduce((sum, each) => sum + each.waiting(), 0));
        },
      }),
  );
  once(
    METRICS.rollupLag.name,
    () =>
      new Gauge({
        ...METRICS.rollupLag,
        async collect() {
          const lags = await Promise.all([...sources].map((each) => each.rollupLag()));
          const known = lags.filter((lag) => lag !== undefined);
          // No value is better than an old one.
          if (known.length > 0) this.set(Math.max(...known));
          else this.remove();
        },
      }),
  );
  const commit = once(METRICS.commit.name, () => new Histogram({ ...METRICS.commit, buckets: BUCKETS }));
  const question = once(
    METRICS.question.name,
    () => new Histogram({ ...METRICS.question, labelNames: ['question'], buckets: BUCKETS }),
  );
  return {
    instrument: {
      record: (what, seconds, { question: kind = 'other' }) => {
        if (what === 'commit') commit.observe(seconds);
        else question.observe({ question: kind }, seconds);
      },
    },
    stop: () => void sources.delete(source),
  };
}
