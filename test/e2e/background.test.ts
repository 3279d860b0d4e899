import { createHook } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { ActivityStats } from '../../lib/index.js';
import { FOUND } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';

const date = '2026-02-03T04:05:06.789Z';

/** The frame that has asked for it, if that is a file of lib/. */
function callerInLib(): string | undefined {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 50;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  const caller = stack
    .split('\n')
    .slice(1)
    .find((line) => !/node:|background\.test/.test(line));
  return caller && /\/lib\//.test(caller) && !caller.includes('node_modules') ? caller.trim() : undefined;
}

describe.each(FOUND)('with `background: false` on %s', (database) => {
  let host: Host;
  /** Timers and immediates of lib/ that have not run, and were not cleared. */
  const pending = new Map<number, string>();
  const hook = createHook({
    init(id, type) {
      const caller = type === 'Timeout' || type === 'Immediate' ? callerInLib() : undefined;
      if (caller) pending.set(id, caller);
    },
    destroy: (id) => void pending.delete(id),
  });

  beforeAll(async () => {
    host = await startHost({
      adapter: 'fastify',
      database,
      djaffar: {
        statistics: { background: false, maxWait: 60_000 },
        api: { guards: [{ canActivate: () => true }] },
      },
    });
    hook.enable();
  });

  afterAll(async () => {
    hook.disable();
    await host.close();
  });

  /** Node reports in a later turn what is over. */
  async function left(): Promise<string[]> {
    for (let i = 0; i < 5; i++) await turn();
    // A process that reads is ended after a while; it does nothing until then.
    return [...pending.values()].filter((caller) => !caller.includes('/readers.'));
  }

  it.each<[what: string, work: () => Promise<unknown>]>([
    ['a request to track', () => host.post({ date, path: '/' })],
    ['another one of the same visitor', () => host.post({ date, path: '/' })],
    ['an activity of server code', () => host.activities.track({ path: '/', session: 's', visit: 'v' })],
    ['a question', () => host.app.get(ActivityStats, { strict: false }).overview()],
    ['a question over HTTP', () => host.fetch('/djaffar/stats/top?dimension=path')],
    ['a list', () => host.activities.find()],
    ['an erasure', () => host.activities.erase({ session: 's' })],
  ])('nothing is left to do after %s', async (_, work) => {
    expect(await left()).toEqual([]);
    await work();
    expect(await left()).toEqual([]);
  });
});
