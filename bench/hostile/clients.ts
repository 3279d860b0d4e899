import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

const AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';

export const DAY = 86_400_000;

export interface Sent {
  date: Date;
  path?: string;
  name?: string;
  properties?: Record<string, unknown>;
}

/** A browser with its cookie. */
export class Visitor {
  cookie = '';

  constructor(private readonly url: string) {}

  /** @returns the status, 0 if there is no answer */
  async track(activities: Sent[], init: RequestInit = {}): Promise<number> {
    try {
      const response = await fetch(`${this.url}/djaffar/track/`, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          'User-Agent': AGENT,
          ...(this.cookie && { Cookie: this.cookie }),
        },
        body: JSON.stringify({
          activities: activities.map((sent) => ({ id: randomUUID(), path: '/', ...sent })),
        }),
        signal: AbortSignal.timeout(60_000),
        ...init,
      });
      await response.arrayBuffer();
      this.cookie = response.headers.getSetCookie()[0]?.split(';', 1)[0] ?? this.cookie;
      return response.status;
    } catch {
      return 0;
    }
  }
}

/** Repeats something with pauses until the signal aborts. */
export async function repeat(
  signal: AbortSignal,
  every: number,
  work: () => Promise<unknown>,
): Promise<void> {
  while (!signal.aborted) {
    await work();
    await pause(every);
  }
}

/** The total milliseconds of answers, and their number. */
interface Times {
  median: number;
  worst: number;
  count: number;
  failures: number;
}

export interface Measured {
  questions: Times;
  /** The most milliseconds by which `asOf` was behind. */
  lag: number;
  /** Acknowledged requests per second, sent one after another. */
  tracked: number;
  /** The longest block of the host's event loop, in milliseconds. */
  loop: number;
}

function questionsOfAMonth(): string[] {
  const range = `from=${new Date(Date.now() - 30 * DAY).toISOString()}&to=${new Date(Date.now() + DAY).toISOString()}`;
  return [`overview?${range}`, `top?dimension=path&${range}`, `series?measure=visits&interval=day&${range}`];
}

/** Measures questions, tracking, and the event loop of the host. */
export async function measure(url: string, milliseconds: number): Promise<Measured> {
  const ending = AbortSignal.timeout(milliseconds);
  const usage = async (): Promise<{ longest: number }> => {
    const response = await fetch(`${url}/usage`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- bench/faults/host.ts answers so
    return (await response.json()) as { longest: number };
  };
  // Resets the measurement.
  await usage();
  const begun = performance.now();
  const times: number[] = [];
  let [failures, lag, tracked] = [0, 0, 0];
  const asking = repeat(ending, 150, async () => {
    for (const question of questionsOfAMonth()) {
      const start = performance.now();
      const response = await fetch(`${url}/djaffar/stats/${question}`).catch(() => undefined);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each answer has it
      const answer = (await response?.json().catch(() => ({}))) as { asOf?: string } | undefined;
      times.push(performance.now() - start);
      if (answer?.asOf) lag = Math.max(lag, Date.now() - Date.parse(answer.asOf));
      else failures += 1;
    }
  });
  const tracking = repeat(ending, 5, async () => {
    if ((await new Visitor(url).track([{ date: new Date() }])) === 204) tracked += 1;
  });
  await Promise.all([asking, tracking]);
  const seconds = (performance.now() - begun) / 1000;
  const { longest } = await usage();
  times.sort((a, b) => a - b);
  return {
    questions: {
      median: times[times.length >> 1] ?? 0,
      worst: times.at(-1) ?? 0,
      count: times.length,
      failures,
    },
    lag,
    tracked: tracked / seconds,
    loop: longest,
  };
}
