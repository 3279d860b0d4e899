import type { PersonalRecord, PersonalVisit } from '../../activity/user-activity.js';
import { PERSONAL_VISIT_COLUMNS } from '../personal-visit.js';
import type { ErasureSelection } from '../erasure.types.js';
import { selectionSql, writtenUntilNow } from './erasure.js';
import { scopeConditions } from './filter.js';
import type { Reader } from './reader.js';
import type { Server, StatementLimits } from './server.js';
import type { Sessions } from './sessions.js';
import { all, text } from './sql.js';
import { ACTIVITY, VISIT } from './tables.js';

/** How many records are held in memory. */
const PAGE_SIZE = 10_000;

type VisitRow = Omit<PersonalVisit, 'startedAt' | 'endedAt'> & { startedAt: number; endedAt: number };

/** A page of records in the order of their ids. */
interface Place {
  after: string;
  limit: number;
}

/** Streams what an erasure would erase. */
export class PersonalData {
  constructor(
    private readonly server: Server,
    private readonly sessions: Sessions,
    private readonly reader: Reader,
    private readonly pageSize = PAGE_SIZE,
  ) {}

  async *stream(selection: ErasureSelection): AsyncGenerator<PersonalRecord, void, void> {
    // Else an activity that is written in the meantime would be returned without its session.
    const isWritten = await this.server.ask((limits) => writtenUntilNow(this.server, limits));
    const condition = all([isWritten, selectionSql(selection)]);
    const sessions = this.inOrder((place, limits) =>
      this.sessions.findOfActivities(condition, place, limits),
    );
    for await (const data of sessions) yield { kind: 'session', data };
    const scope = scopeConditions(selection.filter.scope ?? []);
    const visits = this.inOrder((place, limits) => this.findVisits(condition, scope, place, limits));
    for await (const data of visits) yield { kind: 'visit', data };
    for await (const { session: _, ...data } of this.reader.activitiesOf(condition, this.pageSize))
      yield { kind: 'activity', data };
  }

  private async *inOrder<T extends { id: string }>(
    find: (place: Place, limits: StatementLimits) => Promise<T[]>,
  ): AsyncGenerator<T, void, void> {
    let after = '';
    for (;;) {
      const place = { after, limit: this.pageSize };
      const page = await this.server.ask((limits) => find(place, limits));
      yield* page;
      const last = page.at(-1);
      if (!last || page.length < this.pageSize) return;
      after = last.id;
    }
  }

  private async findVisits(
    condition: string,
    scope: string[],
    { after, limit }: Place,
    limits: StatementLimits,
  ): Promise<PersonalVisit[]> {
    const ids = `SELECT visitId FROM ${ACTIVITY} WHERE visitId != '' AND (${condition})`;
    // The row of a visit would disclose its activities outside of the scope.
    const beyond = `SELECT visitId FROM ${ACTIVITY} WHERE visitId IN (${ids}) AND NOT ifNull(${all(scope)}, false)`;
    const rows = await this.server.query<VisitRow>(
      `SELECT ${PERSONAL_VISIT_COLUMNS.join(', ')} FROM ${VISIT} FINAL
      WHERE ${all([
        `id > ${text(after)}`,
        `id IN (${ids})`,
        ...(scope.length > 0 ? [`id NOT IN (${beyond})`] : []),
      ])}
      ORDER BY id LIMIT ${limit}`,
      limits,
    );
    return rows.map(({ startedAt, endedAt, ...visit }) => ({
      ...visit,
      startedAt: new Date(startedAt),
      endedAt: new Date(endedAt),
    }));
  }
}
