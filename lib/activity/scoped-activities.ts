import type { Received, Store } from '../store/store.js';
import type { RecordReader } from '../store/records.js';
import type { ErasureSelection } from '../store/erasure.types.js';
import type { Activity } from './activity.js';
import {
  type ActivityFilter,
  InvalidFilterError,
  type ParsedFilter,
  type ParsedScope,
  parseFilter,
} from './activity.filter.js';
import { type ActivityRow, toActivity } from './activity-row.js';
import { type ActivityScope, parseScope } from './activity-scope.js';
import {
  type Cursor,
  decodeCursor,
  encodeCursor,
  DEFAULT_LIMIT,
  MAX_LIMIT,
  type Page,
  type PageOptions,
} from './pagination.js';
import { isObject } from './properties.js';
import type { Session } from './session.js';
import type { PersonalRecord } from './user-activity.js';

/** Options of `ActivityService.erase`. */
export interface EraseOptions {
  /**
   * Whether activities without a login in the user's visits stay. By default they are erased, because statistics count them as the
   * user's.
   * @defaultValue false
   */
  keepAnonymous?: boolean | undefined;
}

/** Options of `ActivityService.anonymise`. */
export interface AnonymiseOptions extends EraseOptions {
  /** Keys of properties that are removed. */
  properties?: string[] | undefined;
}

/** Reads and erases activities of a scope; `ActivityService` has the same methods for all activities. */
export class ScopedActivities {
  /** @internal */
  constructor(
    private readonly store: Store,
    private readonly onErased: () => void,
    private readonly scope: readonly ParsedScope[] = [],
  ) {}

  /**
   * The activities that are in both scopes.
   * @throws InvalidFilterError for a property that is there but undefined
   */
  scoped(scope: ActivityScope): ScopedActivities {
    const parsed = parseScope(scope);
    return parsed ? new ScopedActivities(this.store, this.onErased, [...this.scope, parsed]) : this;
  }

  /** @internal */
  parse(filter: ActivityFilter): ParsedFilter {
    const parsed = parseFilter(filter);
    return this.scope.length > 0 ? { ...parsed, scope: this.scope } : parsed;
  }

  /** See `ActivityService.find`. */
  async find(filter: ActivityFilter = {}, options: PageOptions = {}): Promise<Page<Activity>> {
    const { limit = DEFAULT_LIMIT, after, order = 'desc' } = options;
    checkLimit(limit);
    if (order !== 'asc' && order !== 'desc') throw new InvalidFilterError('order', "must be 'asc' or 'desc'");
    const cursor = after === undefined ? undefined : decodeCursor(after);
    const found = await this.store.page(this.parse(filter), { limit: limit + 1, after: cursor, order });
    const rows = await this.withOwnSessions(found);
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return { items, next: rows.length > limit && last ? encodeCursor(last) : null };
  }

  /** See `ActivityService.stream`. */
  async *stream(filter: ActivityFilter = {}): AsyncGenerator<Activity, void, void> {
    for await (const rows of this.pages(filter)) for (const row of rows) yield toActivity(row);
  }

  /** @internal for exports: the activities after a cursor, in pages */
  async *pages(filter: ActivityFilter, after?: Cursor): AsyncGenerator<ActivityRow[], void, void> {
    for await (const rows of this.store.pages(this.parse(filter), after))
      yield await this.withOwnSessions(rows);
  }

  /** @internal reads activities as text, if the store can and there is no scope */
  get records(): RecordReader | undefined {
    return this.scope.length > 0 ? undefined : this.store.records;
  }

  /**
   * @internal the cursor of an activity, for exports that resume
   * @throws InvalidFilterError if there is none of that id
   */
  async cursorOf(id: string): Promise<string> {
    const found = await this.store.findCursor(id.toLowerCase(), this.parse({}));
    if (!found) throw new InvalidFilterError('after', 'must be the id of an activity that is stored');
    return encodeCursor(found);
  }

  /** See `ActivityService.count`. */
  async count(filter: ActivityFilter = {}): Promise<number> {
    return this.store.count(this.parse(filter));
  }

  /** See `ActivityService.erase`. */
  async erase(filter: ActivityFilter, options: EraseOptions = {}): Promise<number> {
    return this.store.erase(this.parseSelection(filter, options), this.onErased);
  }

  /** @internal how many activities `erase` would take */
  async countToErase(filter: ActivityFilter, options: EraseOptions = {}): Promise<number> {
    return this.store.countToErase(this.parseSelection(filter, options));
  }

  /** See `ActivityService.anonymise`. */
  async anonymise(filter: ActivityFilter, options: AnonymiseOptions = {}): Promise<number> {
    const { properties = [], ...others } = options;
    return this.store.anonymise(this.parseSelection(filter, others), properties, this.onErased);
  }

  /** See `ActivityService.export`. */
  async *export(
    filter: ActivityFilter,
    options: EraseOptions = {},
  ): AsyncGenerator<PersonalRecord, void, void> {
    for await (const record of this.store.personalData(this.parseSelection(filter, options))) {
      if (record.kind !== 'session') yield record;
      else
        for (const { session } of await this.withOwnSessions([{ session: record.data }]))
          if (session) yield { kind: 'session', data: session };
    }
  }

  /** @internal see `ActivityService.findReceived` */
  async findReceived(
    within: number,
    limit: number,
    known: ReadonlySet<string> = new Set(),
  ): Promise<Received> {
    const { ids, activities } = await this.store.findReceived(within, limit, known, this.parse({}));
    return { ids, activities: await this.withOwnSessions(activities) };
  }

  /** A session may have begun with activities beyond the scope: here it begins with its first one in the scope. */
  private async withOwnSessions<T extends { session: Session | null }>(rows: T[]): Promise<T[]> {
    const ids = [...new Set(rows.flatMap(({ session }) => session?.id ?? []))];
    if (this.scope.length === 0 || ids.length === 0) return rows;
    const starts = await this.store.findSessionStarts(ids, this.parse({}));
    const sessions = new Map<string, Session>();
    return rows.map((row) => {
      const { session } = row;
      const startedAt = session && starts.get(session.id);
      if (!session || !startedAt) return { ...row, session: null };
      const own = sessions.get(session.id) ?? { ...session, startedAt };
      sessions.set(session.id, own);
      return { ...row, session: own };
    });
  }

  /** @throws InvalidFilterError also for an empty filter, and for a property that is there but undefined */
  private parseSelection(filter: ActivityFilter, { keepAnonymous = false }: EraseOptions): ErasureSelection {
    const parsed = this.parse(filter);
    const { scope: _, ...own } = parsed;
    const missing = undefinedIn(filter);
    if (missing !== undefined) throw new InvalidFilterError(missing, 'must not be undefined in an erasure');
    if (Object.keys(own).length === 0)
      throw new InvalidFilterError('filter', 'must not be empty: that would erase everything');
    return { filter: parsed, keepAnonymous };
  }
}

/** @returns the name of a property that is there but undefined, at any depth */
function undefinedIn(filter: object): string | undefined {
  for (const [property, value] of Object.entries(filter) as [string, unknown][]) {
    if (value === undefined) return property;
    const inner = isObject(value) ? undefinedIn(value) : undefined;
    if (inner !== undefined) return `${property}.${inner}`;
  }
  return undefined;
}

/** @throws InvalidFilterError */
export function checkLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw new InvalidFilterError('limit', `must be a whole number from 1 to ${MAX_LIMIT}`);
}
