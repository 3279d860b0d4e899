import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { HostProcess } from './process.js';
import { ALL, type Fault } from './stage.js';

const MINUTE = 60_000;
const JUMPS: [name: string, milliseconds: number][] = [
  ['-1 h', -60 * MINUTE],
  ['-40 min', -40 * MINUTE],
  ['+1 h', 60 * MINUTE],
  ['+1 year', 365 * 24 * 60 * MINUTE],
];

/** A browser that keeps its cookie, as one visitor. */
class Browser {
  private cookie = '';
  readonly ids: string[] = [];

  async view({ url }: HostProcess): Promise<number> {
    const id = randomUUID();
    const response = await fetch(`${url}/djaffar/track/`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Cookie: this.cookie },
      // The browser's own clock is right.
      body: JSON.stringify({
        id,
        date: new Date().toISOString(),
        sentAt: new Date().toISOString(),
        path: '/',
      }),
    });
    await response.arrayBuffer();
    const [cookie] = response.headers.getSetCookie();
    if (cookie) this.cookie = cookie.split(';', 1)[0] ?? '';
    this.ids.push(id);
    return response.status;
  }
}

const jump = (name: string, ahead: number): Fault => ({
  name: `one of two clocks jumps by ${name} for 5 s`,
  on: ALL,
  async run(stage) {
    const one = await stage.start();
    const other = await stage.start();
    const browser = new Browser();
    stage.load.start(20);
    for (let i = 0; i < 4; i++) await browser.view(i % 2 ? one : other);
    await one.setClock(ahead);
    for (let i = 0; i < 10; i++) {
      await browser.view(i % 2 ? one : other);
      if (i === 5) await stage.ask('overview', `${one.url}/djaffar/stats/overview`);
      await pause(500);
    }
    await one.setClock(0);
    stage.cured();
    for (let i = 0; i < 6; i++) await browser.view(i % 2 ? one : other);
    const ids = browser.ids.map((id) => `'${id}'`).join(', ');
    const visits = await stage.operator.query<unknown[]>(
      stage.name === 'postgres'
        ? `SELECT DISTINCT "visitId" FROM djaffar_activity WHERE id IN (${ids})`
        : `SELECT DISTINCT visitId FROM djaffar_activity WHERE id IN (${ids})`,
    );
    stage.notes.push(`visits of one visitor with ${browser.ids.length} views: ${visits.length}`);
    await stage.ask('overview afterwards', `${other.url}/djaffar/stats/overview`);
  },
});

export const clocks: Fault[] = JUMPS.map(([name, ahead]) => jump(name, ahead));
