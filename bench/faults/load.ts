import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

/** Milliseconds between two tries of an activity that was not acknowledged. */
const RETRY = 250;

/** Clients that track so many activities a second, whatever becomes of them, and send again what was not acknowledged. */
export class Load {
  readonly acknowledged: string[] = [];
  readonly statuses = new Map<number, number>();
  /** Milliseconds of the request that took longest. */
  worst = 0;
  /** Milliseconds of each request since it was emptied last. */
  took: number[] = [];
  /** When a request failed last, by `performance.now()`. */
  failedAt: number | undefined;
  private readonly open = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;
  private properties: { text: string } | undefined;

  /** @param urls where to send, at each try anew; rolling deploys change it */
  constructor(
    private readonly urls: () => string[],
    private readonly agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  ) {}

  /** @param details bytes of each activity's properties */
  start(perSecond: number, details = 0): void {
    this.properties = details > 0 ? { text: 'x'.repeat(details) } : undefined;
    this.timer = setInterval(() => {
      const one = this.track(randomUUID());
      this.open.add(one);
      void one.finally(() => this.open.delete(one));
    }, 1000 / perSecond);
  }

  /** Resolves when all have been acknowledged, or have been tried for so long. */
  async stop(patience = 15_000): Promise<void> {
    clearInterval(this.timer);
    await Promise.race([Promise.all(this.open), pause(patience)]);
    this.isStopped = true;
  }

  /** Begins no more, and tries nothing again. */
  abandon(): void {
    clearInterval(this.timer);
    this.isStopped = true;
  }

  private async track(id: string): Promise<void> {
    for (let turn = 0; !this.isStopped; turn++) {
      const urls = this.urls();
      const url = urls[turn % urls.length];
      if (url && (await this.post(url, id)) === 204) {
        this.acknowledged.push(id);
        return;
      }
      await pause(RETRY);
    }
  }

  private async post(url: string, id: string): Promise<number> {
    const begun = performance.now();
    let status = 0;
    try {
      const response = await fetch(`${url}/djaffar/track/`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'User-Agent': this.agent },
        body: JSON.stringify({
          id,
          date: new Date().toISOString(),
          path: `/${id.slice(0, 2)}`,
          properties: this.properties,
        }),
        signal: AbortSignal.timeout(60_000),
      });
      await response.arrayBuffer();
      status = response.status;
    } catch {
      // Refused, or broken off.
    }
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    if (status !== 204) this.failedAt = performance.now();
    const took = performance.now() - begun;
    this.took.push(took);
    this.worst = Math.max(this.worst, took);
    return status;
  }
}
