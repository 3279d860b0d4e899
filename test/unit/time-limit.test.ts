import { withTimeLimit } from '../../lib/time/time-limit.js';

const never = new Promise<string>(() => {});

describe('withTimeLimit', () => {
  it('returns the result of work that is done in time', async () => {
    expect(await withTimeLimit(60_000, Promise.resolve('done'), () => 'late')).toBe('done');
  });

  it('returns the result of onLate after the limit, also for a limit below 0', async () => {
    expect(await withTimeLimit(-1, never, () => 'late')).toBe('late');
  });

  it('rejects with the error of the work, and with that of onLate', async () => {
    const failed = Promise.reject(new Error('failed'));
    await expect(withTimeLimit(60_000, failed, () => 'late')).rejects.toThrow('failed');
    const onLate = (): never => {
      throw new Error('late');
    };
    await expect(withTimeLimit(0, never, onLate)).rejects.toThrow('late');
  });

  it('accepts a limit that is longer than timers can wait', async () => {
    expect(await withTimeLimit(Number.POSITIVE_INFINITY, Promise.resolve(1), () => 2)).toBe(1);
  });
});
