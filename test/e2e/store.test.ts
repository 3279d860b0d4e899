import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ActivityService, ActivityStats, DjaffarModule, type StoreSettings } from '../../lib/index.js';
import { MemoryStore } from '../support/memory-store.js';

describe('the option "store"', () => {
  it('stores activities elsewhere than in a TypeORM data source, which the app needs not have', async () => {
    const store = new MemoryStore();
    const asked: StoreSettings[] = [];
    const create = async (settings: StoreSettings): Promise<MemoryStore> => {
      asked.push(settings);
      return store;
    };

    @Module({
      imports: [
        DjaffarModule.forRootAsync({
          useFactory: () => ({ store: { create }, page: (path) => path, statistics: { maxWait: 123 } }),
        }),
      ],
    })
    class HostModule {}

    const app = await NestFactory.create(HostModule, { logger: false, abortOnError: false });
    await app.listen(0, '127.0.0.1');
    try {
      const activity = { date: new Date().toISOString(), path: '/kept?elsewhere=1' };
      const url = `${(await app.getUrl()).replace('[::1]', '127.0.0.1')}/djaffar/track/`;
      const track = (cookie: string): Promise<Response> =>
        fetch(url, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', cookie },
          body: JSON.stringify(activity),
        });
      const first = await track('');
      expect(first.status).toBe(204);
      const [cookie = ''] = first.headers.getSetCookie();
      expect((await track(cookie.split(';', 1).join())).status).toBe(204);

      const activities = app.get(ActivityService, { strict: false });
      const { items } = await activities.find();
      expect(items.map(({ path }) => path)).toEqual([activity.path, activity.path]);
      // One browser: the key that signed its cookie is in the store, too.
      expect(new Set(items.map(({ session }) => session?.id)).size).toBe(1);
      expect(items[0]?.session).not.toBeNull();
      const overview = await app.get(ActivityStats, { strict: false }).overview();
      expect(overview).toMatchObject({ activities: { value: 2 }, asOf: expect.any(String) });
      expect(await activities.erase({ path: activity.path })).toBe(2);

      expect(asked).toEqual([
        {
          page: expect.any(Function),
          statistics: expect.objectContaining({ maxWait: 123, concurrency: 4 }),
          writer: expect.objectContaining({ maxBatch: 500 }),
        },
      ]);
      expect(() => activities.createQueryBuilder()).toThrow('TypeORM data source');
    } finally {
      await app.close();
    }
    expect(store.calls).toEqual(['bootstrap', 'shutdown', 'close']);
  });
});
