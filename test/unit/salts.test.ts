import { toSettings } from '../../lib/options/validation.js';
import { Salts } from '../../lib/privacy/salts.js';
import { MemoryStore } from '../support/memory-store.js';

describe('the salts', () => {
  let store: MemoryStore;

  beforeEach(() => {
    jest.useFakeTimers();
    store = new MemoryStore();
  });

  afterEach(() => jest.useRealTimers());

  it('are looked at every ten minutes, and visits that are over are deleted whatever the period, also after a failure', async () => {
    const forgetVisits = jest.spyOn(store, 'forgetVisits').mockRejectedValueOnce(new Error('locked'));
    const salts = new Salts(store, toSettings({ privacy: 'cookieless', cookieless: { rotate: 'month' } }));
    salts.onApplicationBootstrap();
    await jest.advanceTimersByTimeAsync(3_600_000);
    expect(forgetVisits).toHaveBeenCalledTimes(6);
    await salts.beforeApplicationShutdown();
    await jest.advanceTimersByTimeAsync(3_600_000);
    expect(forgetVisits).toHaveBeenCalledTimes(6);
  });

  it('are not looked at without background work', async () => {
    const forgetVisits = jest.spyOn(store, 'forgetVisits');
    const salts = new Salts(store, toSettings({ privacy: 'cookieless', statistics: { background: false } }));
    salts.onApplicationBootstrap();
    await jest.advanceTimersByTimeAsync(3_600_000);
    expect(forgetVisits).not.toHaveBeenCalled();
  });
});
