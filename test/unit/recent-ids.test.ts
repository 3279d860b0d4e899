import { RecentIds } from '../../lib/activity/recent-ids.js';

describe('recent ids', () => {
  let now = 0;
  const clock = { now: () => now };

  beforeEach(() => (now = 0));

  it('knows an id for half of the time, and no longer than all of it', () => {
    const ids = new RecentIds(1000, 100, clock);
    now = 499;
    ids.add('a');
    now = 998;
    expect(ids.has('a')).toBe(true);
    now = 1499;
    expect(ids.has('a')).toBe(false);
  });

  it('forgets everything after a long pause', () => {
    const ids = new RecentIds(1000, 100, clock);
    ids.add('a');
    now = 5000;
    expect(ids.has('a')).toBe(false);
  });

  it('knows an id for exactly half of the time, and does not after exactly all of it', () => {
    now = 10_000;
    const ids = new RecentIds(1000, 100, clock);
    ids.add('a');
    now += 500;
    expect(ids.has('a')).toBe(true);
    ids.add('b');
    now += 500;
    expect([ids.has('a'), ids.has('b')]).toEqual([false, true]);
    ids.add('c');
    now += 1000;
    expect(ids.has('c')).toBe(false);
  });

  it('keeps no more than there may be, the newest', () => {
    const ids = new RecentIds(1000, 10, clock);
    const added: string[] = [];
    for (let i = 0; i < 100; i++) {
      ids.add(`${i}`);
      added.push(`${i}`);
      const kept = added.filter((id) => ids.has(id));
      expect(kept.length).toBeLessThanOrEqual(10);
      expect(kept.at(-1)).toBe(`${i}`);
    }
  });

  it('forgets all ids when it is cleared', () => {
    const ids = new RecentIds(1000, 10, clock);
    ids.add('a');
    ids.clear();
    expect(ids.has('a')).toBe(false);
  });
});
