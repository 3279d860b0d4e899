import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { FIREFOX } from '../sample.js';
import { Ledger } from './ledger.js';

/** Milliseconds. */
const RETRY = 100;
const TIMEOUT = 20_000;
/** Activities that are erased together. */
const GROUP = 10;

/** Browsers and operators that use an app with several instances, and judge its answers. */
export class Traffic {
  readonly ledger = new Ledger();
  /** Answers that no `asOf` explains. */
  readonly wrong: string[] = [];
  readonly counts = { attempts: 0, questions: 0, unanswered: 0, dashboards: 0, streamed: 0, erasures: 0 };
  private readonly over = new AbortController();
  private readonly running: Promise<void>[] = [];
  private readonly open = new Set<Promise<unknown>>();
  private token = '';

  /** @param url of the proxy */
  constructor(private readonly url: string) {}

  async start(perSecond: number): Promise<void> {
    await this.logIn();
    this.running.push(
      this.repeat(1000 / perSecond, async () => this.later(this.track('/kept'))),
      this.repeat(2000, async () => this.later(this.trackAndErase())),
      this.repeat(300, () => this.ask('/kept')),
      this.repeat(700, () => this.ask('/gone')),
      this.repeat(1500, () => this.openDashboard()),
      this.repeat(200, () => this.watch()),
    );
  }

  /** Resolves when everything that was begun is over. */
  async stop(): Promise<void> {
    this.over.abort();
    await Promise.all(this.running);
    await Promise.all(this.open);
  }

  /** Asks for the number of activities and visits of a group. */
  async ask(group: string): Promise<void> {
    const path = encodeURIComponent(`${group}*`);
    // Without "to", the range would end before asOf, which is after the wait for the statistics.
    const to = new Date(Date.now() + 86_400_000).toISOString();
    const answer = await this.get(`djaffar/stats/overview?from=2000-01-01&to=${to}&path=${path}`);
    if (!answer) return;
    this.counts.questions += 1;
    const answered = Date.now();
    const { activities, visits, asOf } = JSON.parse(answer) as {
      activities: { value: number };
      visits: { value: number };
      asOf: string;
    };
    const { least, most } = this.ledger.bounds(group, Date.parse(asOf), answered);
    // Each activity is of a new visitor.
    for (const [what, { value }] of Object.entries({ activities, visits }))
      if (value < least || value > most)
        this.wrong.push(`${what} of ${group} are ${value} as of ${asOf}, not ${least} to ${most}`);
  }

  private async track(group: string): Promise<void> {
    const entry = this.ledger.add(randomUUID(), group);
    const body = JSON.stringify({ id: entry.id, date: new Date(), path: `${group}/${entry.id.slice(0, 2)}` });
    const headers = { 'Content-Type': 'application/json', 'User-Agent': FIREFOX };
    for (;;) {
      this.counts.attempts += 1;
      const status = await this.send('djaffar/track/', { method: 'POST', body, headers });
      if (status === 204) break;
      if (status && status < 500) this.wrong.push(`tracking was answered ${status}`);
      await pause(RETRY);
    }
    entry.acknowledged = Date.now();
  }

  private async trackAndErase(): Promise<void> {
    const group = `/gone/${randomUUID()}`;
    await Promise.all(Array.from({ length: GROUP }, () => this.track(group)));
    for (const entry of this.ledger.of(group)) entry.erasing = Date.now();
    const query = `djaffar/dashboard/data/activities?path=${encodeURIComponent(`${group}*`)}`;
    for (;;) {
      const status = await this.send(query, { method: 'DELETE', headers: { Authorization: this.token } });
      if (status === 200) break;
      if (status && status < 500) this.wrong.push(`an erasure was answered ${status}`);
      await pause(RETRY);
    }
    for (const entry of this.ledger.of(group)) entry.erased = Date.now();
    this.counts.erasures += 1;
  }

  private async openDashboard(): Promise<void> {
    const questions = ['top?dimension=path', 'top?dimension=browser', 'series?measure=visits&interval=hour'];
    const answers = await Promise.all(
      ['', ...questions.map((question) => `data/stats/${question}`)].map((path) =>
        this.get(`djaffar/dashboard/${path}`),
      ),
    );
    if (answers.every((answer) => answer !== undefined)) this.counts.dashboards += 1;
  }

  /** Reads the activity feed until its instance ends. */
  private async watch(): Promise<void> {
    const response = await fetch(`${this.url}/djaffar/dashboard/data/stream`, {
      headers: { Authorization: this.token },
      signal: this.over.signal,
    });
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? [])
      this.counts.streamed += decoder.decode(chunk).split('event: activities').length - 1;
  }

  /** Returns the body of a 200; an instance that is killed answers nothing. */
  private async get(path: string): Promise<string | undefined> {
    try {
      const response = await fetch(`${this.url}/${path}`, {
        headers: { Authorization: this.token },
        signal: AbortSignal.timeout(TIMEOUT),
      });
      const body = await response.text();
      if (response.status === 200) return body;
      if (response.status < 500) this.wrong.push(`${path} was answered ${response.status}`);
    } catch {
      // The connection broke.
    }
    this.counts.unanswered += 1;
    return undefined;
  }

  /** @returns the status; `undefined` if there was no answer */
  private async send(path: string, init: RequestInit): Promise<number | undefined> {
    try {
      const response = await fetch(`${this.url}/${path}`, { ...init, signal: AbortSignal.timeout(TIMEOUT) });
      await response.arrayBuffer();
      return response.status;
    } catch {
      return undefined;
    }
  }

  private async logIn(): Promise<void> {
    const body = new URLSearchParams({ username: 'ada', password: 'lovelace' });
    for (;;) {
      const response = await fetch(`${this.url}/auth/token`, { method: 'POST', body }).catch(() => undefined);
      if (!response?.ok) continue;
      const { accessToken } = (await response.json()) as { accessToken: string };
      this.token = `Bearer ${accessToken}`;
      return;
    }
  }

  private later(work: Promise<unknown>): void {
    this.open.add(work);
    void work.finally(() => this.open.delete(work));
  }

  private async repeat(every: number, work: () => Promise<unknown>): Promise<void> {
    while (!this.over.signal.aborted) {
      // A broken connection is no error of the instances that are left.
      await work().catch(() => {});
      await pause(every);
    }
  }
}
