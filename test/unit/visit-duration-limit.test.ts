import { VisitDurationLimit } from '../../lib/activity/visit-duration-limit.js';
import type { VisitSpan } from '../../lib/activity/visit-id.js';
import { UnavailableError } from '../../lib/store/unavailable.error.js';

const HOUR = 3_600_000;
const NOON = Date.UTC(2026, 1, 3, 12);

const at = (visitId: string, hours: number): { visitId: string; date: Date } => ({
  visitId,
  date: new Date(NOON + hours * HOUR),
});

describe('the limit of the duration of visits whose ids the host chooses', () => {
  it('are looked up once for all that is tracked in one turn', async () => {
    const asked: string[][] = [];
    const limit = new VisitDurationLimit({
      findVisitSpans: (ids): Promise<VisitSpan[]> => {
        asked.push(ids);
        return Promise.resolve([{ id: 'mine', first: NOON, last: NOON }]);
      },
    });
    const late = await Promise.all([
      limit.findLate([at('mine', 25)], { timeout: 5000 }),
      limit.findLate([at('mine', 1), at('other', 25)], { timeout: 4000 }),
      ...Array.from({ length: 1000 }, (_, i) => limit.findLate([at(`visit-${i}`, 0)])),
    ]);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toHaveLength(1002);
    expect(late.slice(0, 3)).toEqual([[at('mine', 25)], [], []]);
    // What was found is known for a while.
    await limit.findLate([at('mine', 2)], { timeout: 5000 });
    expect(asked).toHaveLength(1);
  });

  it('are looked up in bounded numbers, and more are refused', async () => {
    const asked: number[] = [];
    let answer = (): void => {};
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const limit = new VisitDurationLimit({
      findVisitSpans: async (ids): Promise<VisitSpan[]> => {
        asked.push(ids.length);
        await answered;
        return [];
      },
    });
    const track = (i: number): Promise<unknown> => limit.findLate([at(`visit-${i}`, 0)]);
    const tracked = Promise.all(Array.from({ length: 20_000 }, (_, i) => track(i)));
    await expect(track(20_001)).rejects.toThrow(UnavailableError);
    answer();
    await tracked;
    expect(asked).toEqual([5000, 5000, 5000, 5000]);
    await track(20_001);
  });

  it('are awaited by each caller only within its own time limit', async () => {
    let answer: (spans: VisitSpan[]) => void = () => {};
    const limit = new VisitDurationLimit({
      findVisitSpans: () => new Promise<VisitSpan[]>((resolve) => (answer = resolve)),
    });
    const patient = limit.findLate([at('a', 0)], { timeout: 60_000 });
    await expect(limit.findLate([at('b', 0)], { timeout: 20 })).rejects.toThrow(UnavailableError);
    answer([]);
    expect(await patient).toEqual([]);
  });
});
