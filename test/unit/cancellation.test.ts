import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';
import { defer, lastValueFrom, NEVER } from 'rxjs';
import { cancellation, cancelledBy, observableCancelledBy } from '../../lib/store/cancellation.js';

const { signal } = new AbortController();

describe('the signal by which work is cancelled', () => {
  let disable: jest.SpyInstance;

  beforeEach(() => {
    disable = jest.spyOn(AsyncLocalStorage.prototype, 'disable');
  });

  afterEach(() => jest.restoreAllMocks());

  const findSignal = async (): Promise<AbortSignal | undefined> => {
    await setImmediate();
    return cancellation();
  };

  it('is known in the work, and afterwards no more', async () => {
    await expect(cancelledBy(signal, findSignal)).resolves.toBe(signal);
    await expect(lastValueFrom(observableCancelledBy(signal, () => defer(findSignal)))).resolves.toBe(signal);
    await expect(findSignal()).resolves.toBeUndefined();
  });

  it('is that of the innermost work', async () => {
    const inner = new AbortController().signal;
    const work = async (): Promise<unknown[]> => [
      await cancelledBy(inner, findSignal),
      await findSignal(),
      await lastValueFrom(observableCancelledBy(inner, () => defer(findSignal))),
    ];
    await expect(cancelledBy(signal, work)).resolves.toEqual([inner, signal, inner]);
  });

  it('is known each time that what is observed is subscribed to', async () => {
    const observed = observableCancelledBy(signal, () => defer(findSignal));
    await lastValueFrom(observed);
    await expect(lastValueFrom(observed)).resolves.toBe(signal);
  });

  it('costs the host nothing when the last work has ended, also if it failed', async () => {
    const fail = jest.fn().mockRejectedValue(new Error('failed'));
    let finish = (): void => {};
    const long = cancelledBy(signal, () => new Promise<void>((resolve) => (finish = resolve)));
    await expect(cancelledBy(signal, fail)).rejects.toThrow('failed');
    await expect(lastValueFrom(observableCancelledBy(signal, () => defer(fail)))).rejects.toThrow('failed');
    const thrown = observableCancelledBy(signal, () => {
      throw new Error('failed at once');
    });
    await expect(lastValueFrom(thrown)).rejects.toThrow('failed at once');
    observableCancelledBy(signal, () => NEVER)
      .subscribe()
      .unsubscribe();
    expect(disable).not.toHaveBeenCalled();
    finish();
    await long;
    expect(disable).toHaveBeenCalledTimes(1);
  });
});
