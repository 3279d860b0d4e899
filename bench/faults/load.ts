import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

/** Milliseconds until an activity that was not acknowledged is sent again. */
const RETRY = 250;

/** Clients that track a constant number of activities per second, and send those again that were not acknowledged. */
export class Load {
  readonly acknowledged: string[] = [];
  readonly statuses = new Map<number, number>();
  /** Milliseconds of the slowest request. */
  worst = 0;
  /** Milliseconds of each request since the array was emptied. */
  took: number[] = [];
  /** The time of the last failed request, by `performance.now()`. */
  failedAt: number | undefined;
  private readonly open = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;
  private properties: { text: string } | undefined;

  /** @param urls the current URLs, read for each attempt; rolling deploys change them */
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

  /** Resolves when all activities are acknowledged, or after so many milliseconds. */
  async stop(patience = 15_000): Promise<void> {
    clearInterval(this.timer);
    await Promise.race([Promise.all(this.open), pause(patience)]);
    this.isStopped = true;
  }

  /** Stops sending. */
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
      // The connection was refused or broke.
    }
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    if (status !== 204) this.failedAt = performance.now();
    const took = performance.now() - begun;
    this.took.push(took);
    this.worst = Math.max(this.worst, took);
    return status;
  }
}
