import { Logger } from '@nestjs/common';
import { ActivityWriter } from '../../lib/activity/activity.writer.js';
import type { StoredActivity } from '../../lib/activity/activity.js';
import { DEFAULTS } from '../../lib/options/settings.js';
import type { NewSession } from '../../lib/activity/session.js';
import { UnavailableError } from '../../lib/store/unavailable.error.js';
import type { Write } from '../../lib/store/batch.js';
import type { ErasureSelection } from '../../lib/store/erasure.types.js';
import { MemoryStore } from '../support/memory-store.js';

const DATE = new Date('2026-02-03T04:05:06.789Z');

/** A store that can fail, and in which something can happen after a write and before its transaction ends. */
class TestStore extends MemoryStore {
  isDown = false;
  afterWrite: (() => Promise<unknown>) | undefined;

  override async lendWriter(work: (write: Write) => Promise<void>): Promise<void> {
    if (this.isDown) throw new Error('no connection');
    await super.lendWriter((write) =>
      work(async (batch, within) => {
        await write(batch, within);
        const { afterWrite } = this;
        this.afterWrite = undefined;
        await afterWrite?.();
      }),
    );
  }
}

function activity(id: string, path: string, sessionId: string | null = null): StoredActivity {
  const nobody = { userId: null, userName: null, sessionId, visitId: null, ipAddress: null };
  const nowhere = { groupId: null, groupName: null };
  const others = { route: null, referer: null, properties: null, subject: null, interactive: null };
  return { id, date: DATE, receivedAt: DATE, name: 'view', path, ...nobody, ...nowhere, ...others };
}

function session(id: string): NewSession {
  const row = {
    userAgent: null,
    startedAt: DATE,
    browser: null,
    system: null,
    device: null,
    country: null,
    language: null,
    bot: false,
    consent: null,
  };
  return { id, row: () => ({ id, ...row }) };
}

describe('the writer', () => {
  let store: TestStore;
  let writer: ActivityWriter;

  beforeAll(() => Logger.overrideLogger(false));

  afterEach(() => jest.useRealTimers());

  function start(settings: Partial<typeof DEFAULTS.writer> = {}): void {
    store = new TestStore();
    // With fake timers, `Date` goes with them.
    writer = new ActivityWriter(store, { ...DEFAULTS.writer, ...settings }, undefined, { now: Date.now });
  }

  async function storedPaths(): Promise<string[]> {
    return store.list({}).map(({ path }) => path);
  }

  it('has room again for as many after all that waited were refused in an outage', async () => {
    jest.useFakeTimers();
    start({ maxWaiting: 4 });
    store.isDown = true;
    for (let outage = 0; outage < 2; outage++) {
      const writes = [0, 1].map((i) => writer.write([activity(`${i}a`, '/a'), activity(`${i}b`, '/b')]));
      const answers = Promise.allSettled(writes);
      await expect(writer.write([activity('more', '/more')])).rejects.toThrow('too many activities');
      await jest.advanceTimersByTimeAsync(DEFAULTS.writer.timeout);
      const reason: unknown = expect.any(UnavailableError);
      expect(await answers).toMatchObject([0, 1].map(() => ({ status: 'rejected', reason })));
    }
    store.isDown = false;
    const written = writer.write(['1', '2', '3', '4'].map((id) => activity(id, `/${id}`)));
    await jest.advanceTimersByTimeAsync(1000);
    await written;
    expect(await storedPaths()).toEqual(['/1', '/2', '/3', '/4']);
  });

  it('stores a session again that is erased while an activity of it is written which does not insert it', async () => {
    start();
    await writer.write([activity('1', '/1', 's')], session('s'));
    const everything: ErasureSelection = { filter: {}, keepAnonymous: false };
    store.afterWrite = () => store.erase(everything, () => writer.sessions.onErased());
    await writer.write([activity('2', '/2', 's')], session('s'));
    expect(store.list({})).toMatchObject([{ path: '/2', session: { id: 's' } }]);
    // It is known again after that only if it was stored after the erasure.
    await writer.write([activity('3', '/3', 's')], session('s'));
    expect(store.list({})).toMatchObject([{ session: { id: 's' } }, { session: { id: 's' } }]);
  });

  it('keeps the first of several activities with one id, in a batch and in a group commit', async () => {
    start({ concurrency: 1 });
    await writer.write([activity('1', '/first'), activity('1', '/second')]);
    const ids = ['2', '2', '2'];
    await Promise.all(ids.map((id, i) => writer.write([activity(id, `/${i}`)])));
    expect(await storedPaths()).toEqual(['/first', '/0']);
  });
});
