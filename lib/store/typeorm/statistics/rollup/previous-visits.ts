import { Between, type EntityManager, In, type SelectQueryBuilder } from 'typeorm';
import { dialectOf } from '../../../../database/dialects/dialect.js';
import { chunks } from '../../../../database/chunks.js';
import { Visit } from './tables/visit.entity.js';

/** A visit row. */
export type VisitRow = Omit<Visit, 'session'>;

type Links = Pick<
  Visit,
  'id' | 'sessionId' | 'userId' | 'startedAt' | 'bot' | 'previousSessionVisitAt' | 'previousUserVisitAt'
>;

const COLUMNS = [
  'id',
  'sessionId',
  'userId',
  'startedAt',
  'bot',
  'previousSessionVisitAt',
  'previousUserVisitAt',
] as const;

type Row = Pick<Links, 'id' | 'sessionId' | 'userId'> & { startedAt: string | number; bot: unknown } & Record<
    'previousSessionVisitAt' | 'previousUserVisitAt',
    string | number | null
  >;

const FIRST = -1;

/** Visits whose previous visit may change, and the visits before them. */
interface Neighbours {
  next: Map<string, Links>;
  previous: Map<string, Links>;
}

const PREVIOUS = { sessionId: 'previousSessionVisitAt', userId: 'previousUserVisitAt' } as const;

type Key = keyof typeof PREVIOUS;

/** Visits of sessions or users that are read at once, in addition to as many as change. */
const MAX_READ = 1000;
/** If a session or user has more visits, only the neighbours of the changed ones are read. */
const MANY_VISITS = 100;

/** Finds the previous visit of the same session and of the same user. */
export class PreviousVisits {
  /** @param frozenUntil earlier visits are no longer linked with their session and user */
  constructor(
    private readonly manager: EntityManager,
    private readonly frozenUntil = 0,
  ) {}

  /**
   * Sets `previousSessionVisitAt` and `previousUserVisitAt`.
   * @param visits the new rows
   * @param ids of the new rows and of visits that will be deleted
   * @returns other visits whose previous visit changes, and the stored rows
   */
  async find(visits: VisitRow[], ids: string[]): Promise<{ changed: Links[]; stored: Links[] }> {
    const own = new Set(ids);
    const stored: Links[] = [];
    for (const some of chunks(ids)) stored.push(...(await this.read({ id: In(some) })));
    const changed = new Map<string, Links>();
    for (const key of ['sessionId', 'userId'] as const) {
      const { others, fixed } = await this.others(key, [...visits, ...stored], own);
      const known = others.filter(({ id }) => !own.has(id)).map((visit) => changed.get(visit.id) ?? visit);
      const before = this.startsBefore(key, [...stored, ...others]);
      for (const visit of link([...visits, ...known], key, fixed, before))
        if (!own.has(visit.id)) changed.set(visit.id, visit);
    }
    return { changed: [...changed.values()], stored };
  }

  /** Returns the start of the latest frozen visit of a session or user. It is stored only in the visit after it. */
  private startsBefore(key: Key, visits: Links[]): Map<string, number> {
    const starts = new Map<string, number>();
    for (const visit of visits) {
      const start = visit[PREVIOUS[key]];
      if (visit[key] === null || start === null || start === FIRST || start >= this.frozenUntil) continue;
      starts.set(visitorKey(visit, key), start);
    }
    return starts;
  }

  /**
   * Finds stored visits of the same sessions or users: all, or only the neighbours if there are many.
   * @returns `fixed` has the ids of visits that are read only as previous visits, and do not change
   */
  private async others(
    key: Key,
    visits: Links[],
    own: Set<string>,
  ): Promise<{ others: Links[]; fixed: Set<string> }> {
    const others: Links[] = [];
    const fixed = new Set<string>();
    const open = chunks([...new Set(visits.flatMap((visit) => visit[key] ?? []))]);
    for (let values = open.pop(); values !== undefined; values = open.pop()) {
      if (values.length === 0) continue;
      const found = await this.read({ [key]: In(values) }, MAX_READ);
      if (found.length < MAX_READ) {
        others.push(...found);
        continue;
      }
      const counts = new Map<string, number>();
      for (const visit of found) counts.set(visit[key] ?? '', (counts.get(visit[key] ?? '') ?? 0) + 1);
      const large = new Set(values.filter((value) => (counts.get(value) ?? 0) > MANY_VISITS));
      for (const value of large) {
        const ofValue = visits.filter((visit) => visit[key] === value);
        const where = { [key]: value };
        const { next, previous } =
          (await this.between(where, ofValue)) ?? (await this.neighbours(where, ofValue, own));
        others.push(...next.values());
        for (const [id, visit] of previous) {
          if (next.has(id)) continue;
          fixed.add(id);
          others.push(visit);
        }
      }
      const rest = values.filter((value) => !large.has(value));
      if (large.size > 0) open.push(rest);
      else open.push(rest.slice(0, rest.length >> 1), rest.slice(rest.length >> 1));
    }
    return { others, fixed };
  }

  /** All visits from the first to the last, and the nearest before and after them; `undefined` if there are too many. */
  private async between(where: object, visits: Links[]): Promise<Neighbours | undefined> {
    const starts = visits.map(({ startedAt }) => startedAt.getTime());
    const first = starts.reduce((a, b) => Math.min(a, b));
    const last = starts.reduce((a, b) => Math.max(a, b));
    const limit = MAX_READ + visits.length;
    const found = await this.read({ ...where, startedAt: Between(new Date(first), new Date(last)) }, limit);
    if (found.length === limit) return undefined;
    const next = new Map(found.map((visit) => [visit.id, visit]));
    const previous = new Map<string, Links>();
    for (const bot of [false, true]) {
      const [before, after] = [first, last + 1].map((at) => ({ startedAt: new Date(at), id: '' }));
      for (const [direction, place, into] of [
        ['DESC', before, previous],
        ['ASC', after, next],
      ] as const) {
        const visit =
          place &&
          (await this.queryNearest(direction, place)
            .andWhere({ ...where, bot })
            .getOne());
        if (visit) into.set(visit.id, visit);
      }
    }
    return { next, previous };
  }

  /** The nearest other visit after each visit, and the nearest before each of both. */
  private async neighbours(where: object, visits: Links[], own: Set<string>): Promise<Neighbours> {
    const find = async (direction: 'ASC' | 'DESC', places: Iterable<Links>): Promise<Map<string, Links>> => {
      const found = new Map<string, Links>();
      /** The results so far, so that consecutive visits are followed only once. */
      const known = new Map<string, Links | undefined>();
      for (const place of places) {
        const skipped: string[] = [];
        let visit: Links | undefined = place;
        do {
          const next: Links | null = await this.queryNearest(direction, visit)
            .andWhere({ ...where, bot: place.bot })
            .getOne();
          visit = next ?? undefined;
          if (!visit || !own.has(visit.id)) break;
          skipped.push(visit.id);
        } while (!known.has(visit.id));
        if (visit && own.has(visit.id)) visit = known.get(visit.id);
        for (const id of skipped) known.set(id, visit);
        if (visit) found.set(visit.id, visit);
      }
      return found;
    };
    // A visit can be in the list twice: with its new and with its stored start.
    const places = new Map(visits.map((visit) => [`${visit.bot} ${+visit.startedAt} ${visit.id}`, visit]));
    const next = await find('ASC', places.values());
    return { next, previous: await find('DESC', [...places.values(), ...next.values()]) };
  }

  private queryNearest(
    direction: 'ASC' | 'DESC',
    { startedAt, id }: Pick<Links, 'startedAt' | 'id'>,
  ): SelectQueryBuilder<Visit> {
    const sign = direction === 'ASC' ? '>' : '<';
    const visitId = dialectOf(this.manager.connection).binary('visit.id');
    return this.manager
      .createQueryBuilder(Visit, 'visit')
      .select(COLUMNS.map((column) => `visit.${column}`))
      .where(`visit.startedAt ${sign}= :at`, { at: startedAt.getTime() })
      .andWhere(`(visit.startedAt ${sign} :at OR ${visitId} ${sign} :id)`, { id })
      .orderBy('visit.startedAt', direction)
      .addOrderBy(visitId, direction)
      .limit(1);
  }

  /** Raw rows, because entities would take ten times as long. */
  private async read(where: object, limit?: number): Promise<Links[]> {
    const query = this.manager.createQueryBuilder(Visit, 'visit').select([]).where(where);
    for (const column of COLUMNS) query.addSelect(`visit.${column}`, column);
    if (limit !== undefined) query.limit(limit);
    const rows = await query.getRawMany<Row>();
    return rows.map(({ startedAt, bot, previousSessionVisitAt, previousUserVisitAt, ...ids }) => ({
      ...ids,
      startedAt: new Date(Number(startedAt)),
      bot: Boolean(bot),
      previousSessionVisitAt: previousSessionVisitAt === null ? null : Number(previousSessionVisitAt),
      previousUserVisitAt: previousUserVisitAt === null ? null : Number(previousUserVisitAt),
    }));
  }
}

/**
 * @param fixed ids of visits that stay as they are
 * @param before starts of earlier visits
 * @returns the visits whose previous visit changes
 */
function link(visits: Links[], key: Key, fixed: Set<string>, before: Map<string, number>): Links[] {
  const previous = PREVIOUS[key];
  const latest = new Map(before);
  return visits
    .filter((visit) => visit[key] !== null)
    .sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime() || (a.id < b.id ? -1 : 1))
    .filter((visit) => {
      const who = visitorKey(visit, key);
      const start = latest.get(who) ?? FIRST;
      latest.set(who, visit.startedAt.getTime());
      if (fixed.has(visit.id) || visit[previous] === start) return false;
      visit[previous] = start;
      return true;
    });
}

/** The key of a session or user; bots have their own. */
function visitorKey(visit: Links, key: Key): string {
  return `${visit.bot} ${visit[key]}`;
}
