import { type EntityManager, In } from 'typeorm';
import { chunks } from '../chunks.js';
import { Visit } from './visit.entity.js';

/** A visit as its row is. */
export type VisitRow = Omit<Visit, 'session'>;

type Before = Pick<
  Visit,
  'id' | 'sessionId' | 'userId' | 'startedAt' | 'bot' | 'sessionBefore' | 'userBefore'
>;

const FIRST = -1;

const KEYS = { sessionId: 'sessionBefore', userId: 'userBefore' } as const;

/** Tells of visits which were before them, of the same session and of the same user. */
export class Predecessors {
  constructor(private readonly manager: EntityManager) {}

  /**
   * @param visits as they are to be; they are told what was before them
   * @param ids of these, and of those that are to be no more
   * @returns the others to which that makes a difference, and the visits as they are stored
   */
  async find(visits: VisitRow[], ids: string[]): Promise<{ changed: Before[]; stored: Before[] }> {
    const own = new Set(ids);
    const stored: Before[] = [];
    for (const some of chunks(ids)) stored.push(...(await this.before({ id: In(some) })));
    const changed = new Map<string, Before>();
    for (const key of ['sessionId', 'userId'] as const) {
      const values = new Set([...visits, ...stored].flatMap((visit) => visit[key] ?? []));
      const others: Before[] = [];
      for (const some of chunks([...values])) {
        const found = await this.before({ [key]: In(some) });
        others.push(...found.filter(({ id }) => !own.has(id)).map((visit) => changed.get(visit.id) ?? visit));
      }
      for (const visit of settle([...visits, ...others], key)) {
        if (!own.has(visit.id)) changed.set(visit.id, visit);
      }
    }
    return { changed: [...changed.values()], stored };
  }

  private before(where: object): Promise<Before[]> {
    return this.manager.getRepository(Visit).find({
      where,
      select: {
        id: true,
        sessionId: true,
        userId: true,
        startedAt: true,
        bot: true,
        sessionBefore: true,
        userBefore: true,
      },
    });
  }
}

/** @returns those to which it makes a difference */
function settle(visits: Before[], key: keyof typeof KEYS): Before[] {
  const before = KEYS[key];
  const latest = new Map<string, number>();
  return visits
    .filter((visit) => visit[key] !== null)
    .sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime() || (a.id < b.id ? -1 : 1))
    .filter((visit) => {
      // Bots are counted apart.
      const who = `${visit.bot} ${visit[key]}`;
      const start = latest.get(who) ?? FIRST;
      latest.set(who, visit.startedAt.getTime());
      const isOther = visit[before] !== start;
      visit[before] = start;
      return isOther;
    });
}
