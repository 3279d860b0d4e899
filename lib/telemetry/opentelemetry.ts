import type * as OpenTelemetry from '@opentelemetry/api';
import type { Attributes, Instrument, Tracer } from '../diagnostics/telemetry.js';
import { version } from '../generated/version.js';
import { BUCKETS, METRICS, type MetricsSource } from './metrics.js';

const NAME = 'nestjs-djaffar';

/** Creates the metrics and spans; without an SDK of the app, OpenTelemetry does nothing with them. */
export function measureByOpenTelemetry(
  { metrics, trace, SpanStatusCode }: typeof OpenTelemetry,
  source: MetricsSource,
): { instrument: Instrument; tracer: Tracer; stop: () => void } {
  const meter = metrics.getMeter(NAME, version);
  const activities = meter.createObservableCounter(METRICS.activities.name, described(METRICS.activities));
  const waiting = meter.createObservableGauge(METRICS.waiting.name, described(METRICS.waiting));
  const lag = meter.createObservableGauge(METRICS.rollupLag.name, {
    ...described(METRICS.rollupLag),
    unit: 's',
  });
  const histogram = (metric: { name: string; help: string }): OpenTelemetry.Histogram =>
    meter.createHistogram(metric.name, {
      ...described(metric),
      unit: 's',
      advice: { explicitBucketBoundaries: BUCKETS },
    });
  const [commits, questions] = [histogram(METRICS.commit), histogram(METRICS.question)];
  const observe: OpenTelemetry.BatchObservableCallback = async (result) => {
    for (const [name, count] of source.totals()) result.observe(activities, count, { result: name });
    result.observe(waiting, source.waiting());
    const seconds = await source.rollupLag();
    if (seconds !== undefined) result.observe(lag, seconds);
  };
  const observed = [activities, waiting, lag];
  meter.addBatchObservableCallback(observe, observed);
  const tracer = trace.getTracer(NAME, version);
  return {
    instrument: {
      record: (what, seconds, { question }) => {
        if (what === 'commit') commits.record(seconds);
        else questions.record(seconds, { question });
      },
    },
    tracer: {
      span: (what, attributes, work) =>
        tracer.startActiveSpan(
          `djaffar.${what}`,
          // A transaction stores the activities of many requests.
          { root: what === 'commit', attributes: toAttributes(attributes) },
          async (span) => {
            try {
              return await work();
            } catch (error) {
              span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
              throw error;
            } finally {
              span.end();
            }
          },
        ),
      traceId: () => trace.getActiveSpan()?.spanContext().traceId,
    },
    stop: () => meter.removeBatchObservableCallback(observe, observed),
  };
}

function toAttributes({ question, activities }: Attributes): OpenTelemetry.Attributes {
  return {
    ...(question !== undefined && { 'djaffar.question': question }),
    ...(activities !== undefined && { 'djaffar.activities': activities }),
  };
}

function described({ help }: { help: string }): { description: string } {
  return { description: help };
}
