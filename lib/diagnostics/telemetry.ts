import { monotonicClock } from '../time/clock.js';

/** The timed operations: a transaction that stores activities, and a statistics query. */
export type Timed = 'commit' | 'question';

export interface Attributes {
  /** The kind of a question, such as `overview`. */
  question?: string;
  /** The number of activities in the transaction. */
  activities?: number;
}

/** A library that takes measurements, such as `prom-client`. */
export interface Instrument {
  record(what: Timed, seconds: number, attributes: Attributes): void;
}

/** A library that follows a request through services, such as OpenTelemetry. */
export interface Tracer {
  /** Runs the work in a span. A failure is recorded in the span. */
  span<T>(what: Timed, attributes: Attributes, work: () => Promise<T>): Promise<T>;
  /** The id of the trace that is running, if there is one. */
  traceId(): string | undefined;
}

const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/;
const NO_TRACE = '0'.repeat(32);

/** Measures for the libraries that the app has; nothing without any. */
export class Telemetry {
  private readonly instruments = new Set<Instrument>();
  private tracer: Tracer | undefined;

  /** @returns removes it */
  add(instrument: Instrument): () => void {
    this.instruments.add(instrument);
    return () => void this.instruments.delete(instrument);
  }

  trace(tracer: Tracer | undefined): void {
    this.tracer = tracer;
  }

  /** Runs the work, and records how long it took, also if it failed. */
  async time<T>(what: Timed, attributes: Attributes, work: () => Promise<T>): Promise<T> {
    const { tracer } = this;
    if (this.instruments.size === 0) return tracer ? tracer.span(what, attributes, work) : work();
    const begun = monotonicClock.now();
    try {
      return await (tracer ? tracer.span(what, attributes, work) : work());
    } finally {
      const seconds = (monotonicClock.now() - begun) / 1000;
      for (const instrument of this.instruments) instrument.record(what, seconds, attributes);
    }
  }

  /** The id of the trace of a request: the one that is running, otherwise that of its `traceparent` header. */
  readTraceId(request: unknown): string | undefined {
    const id = this.tracer?.traceId() ?? TRACEPARENT.exec(readTraceparent(request))?.[1];
    return id === NO_TRACE ? undefined : id;
  }
}

function readTraceparent(request: unknown): string {
  if (typeof request !== 'object' || request === null || !('headers' in request)) return '';
  const { headers } = request;
  const value: unknown =
    typeof headers === 'object' && headers !== null ? Reflect.get(headers, 'traceparent') : undefined;
  return typeof value === 'string' ? value : '';
}
