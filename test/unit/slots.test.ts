import { setImmediate } from 'node:timers/promises';
import { Slots } from '../../lib/database/slots.js';

/** Takes a slot for each name, and notes who has one. */
class Callers {
  readonly served: string[] = [];
  private readonly releases = new Map<string, () => void>();

  constructor(private readonly slots: Slots) {}

  async take(...names: string[]): Promise<void> {
    for (const name of names) void this.takeOne(name);
    await setImmediate();
  }

  async release(name: string): Promise<void> {
    this.releases.get(name)?.();
    await setImmediate();
  }

  private async takeOne(name: string): Promise<void> {
    const release = await this.slots.take();
    this.served.push(name);
    this.releases.set(name, release);
  }
}

describe('slots', () => {
  it('are given to as many callers as there are slots, and then in the order of the calls', async () => {
    const callers = new Callers(new Slots(2));
    await callers.take('a', 'b', 'c', 'd');
    expect(callers.served).toEqual(['a', 'b']);
    await callers.release('b');
    expect(callers.served).toEqual(['a', 'b', 'c']);
    await callers.release('a');
    await callers.release('c');
    expect(callers.served).toEqual(['a', 'b', 'c', 'd']);
    await callers.take('e', 'f');
    expect(callers.served).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('are fewer as soon as their number is lowered and callers have released theirs', async () => {
    const slots = new Slots(3);
    const callers = new Callers(slots);
    await callers.take('a', 'b', 'c', 'd');
    slots.size = 1;
    await callers.release('a');
    await callers.release('b');
    expect(callers.served).toEqual(['a', 'b', 'c']);
    await callers.release('c');
    expect(callers.served).toEqual(['a', 'b', 'c', 'd']);
  });

  it('are not given to a caller who has given up', async () => {
    const slots = new Slots(1);
    const callers = new Callers(slots);
    await callers.take('a');
    const controller = new AbortController();
    const given = slots.take(controller.signal);
    await callers.take('b');
    const error = new Error('too late');
    controller.abort(error);
    await expect(given).rejects.toBe(error);
    await expect(slots.take(controller.signal)).rejects.toBe(error);
    await callers.release('a');
    expect(callers.served).toEqual(['a', 'b']);
    await callers.release('b');
    await callers.take('c', 'd');
    expect(callers.served).toEqual(['a', 'b', 'c']);
  });

  it('are kept by a caller whose signal aborts after the slot was given', async () => {
    const slots = new Slots(1);
    const callers = new Callers(slots);
    await callers.take('a');
    const controller = new AbortController();
    const removed = jest.spyOn(controller.signal, 'removeEventListener');
    const given = slots.take(controller.signal);
    await callers.release('a');
    const release = await given;
    expect(removed).toHaveBeenCalledTimes(1);
    controller.abort();
    await callers.take('b');
    expect(callers.served).toEqual(['a']);
    release();
    await setImmediate();
    expect(callers.served).toEqual(['a', 'b']);
  });

  it('are released after work, also if it fails', async () => {
    const slots = new Slots(1);
    const error = new Error('failed');
    expect(await slots.during(() => Promise.resolve(17))).toBe(17);
    await expect(slots.during(() => Promise.reject(error))).rejects.toBe(error);
    let isWorking = false;
    const work = slots.during(async () => {
      isWorking = true;
      await setImmediate();
      isWorking = false;
    });
    const release = await slots.take();
    expect(isWorking).toBe(false);
    await work;
    release();
  });
});
