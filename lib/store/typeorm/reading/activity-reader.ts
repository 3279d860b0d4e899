import type { DataSource } from 'typeorm';
import type { ActivityRow } from '../../../activity/activity-row.js';
import type { Activity } from '../../../activity/activity.js';
import type { ParsedFilter } from '../../../activity/activity.filter.js';
import type { Cursor } from '../../../activity/pagination.js';
import type { PersonalRecord, UserSession } from '../../../activity/user-activity.js';
import type { VisitSpan } from '../../../activity/visit-id.js';
import { queryPrimary } from '../../../database/primary.js';
import type { ErasureSelection } from '../../erasure.types.js';
import type { PageRequest, Received } from '../../store.js';
import {
  askVisitSpans,
  countStored,
  filteredBy,
  findCursor,
  findReceived,
  findSessionStarts,
  readPage,
} from './activities.js';
import type { ExportSource } from './export-source.js';
import { personalDataOf } from './personal-data.js';
import { RowReader } from './rows.js';
import {
  findLastSeenOfUsers,
  findLatestActivities,
  findUserSessions,
  isUserInOtherSession,
} from './user-activity.js';

/** The queries of the store for single activities and sessions; typeorm.statistics.ts has those for many. */
export abstract class ActivityReader {
  protected abstract readonly exportSource: ExportSource;

  constructor(readonly dataSource: DataSource) {}

  page(filter: ParsedFilter, place: PageRequest): Promise<Activity[]> {
    return readPage(this.dataSource, (manager) => filteredBy(manager, filter), place);
  }

  pages(filter: ParsedFilter, after?: Cursor): AsyncGenerator<ActivityRow[], void, void> {
    return new RowReader(this.dataSource, this.exportSource).activities(filter, after);
  }

  count(filter: ParsedFilter): Promise<number> {
    return queryPrimary(this.dataSource, (manager) => filteredBy(manager, filter).getCount());
  }

  countStored(ids: string[]): Promise<number> {
    return countStored(this.dataSource, ids);
  }

  findCursor(id: string, filter: ParsedFilter): Promise<Cursor | undefined> {
    return findCursor(this.dataSource, id, filter);
  }

  findReceived(
    within: number,
    limit: number,
    known: ReadonlySet<string>,
    filter: ParsedFilter,
  ): Promise<Received> {
    return findReceived(this.dataSource, { within, limit, known, filter });
  }

  findVisitSpans(ids: string[], timeout?: number): Promise<VisitSpan[]> {
    return askVisitSpans(this.dataSource, ids, timeout);
  }

  findSessionStarts(sessions: string[], filter: ParsedFilter): Promise<Map<string, Date>> {
    return findSessionStarts(this.dataSource, sessions, filter);
  }

  findLatestOfUser(user: string): Promise<Activity[]> {
    return findLatestActivities(this.dataSource, user);
  }

  findLastSeenOfUsers(users: string[]): Promise<Map<string, Date>> {
    return findLastSeenOfUsers(this.dataSource, users);
  }

  findSessionsOfUser(user: string, current: string | undefined): Promise<UserSession[]> {
    return findUserSessions(this.dataSource, user, current);
  }

  isUserInOtherSession(user: string, session: string): Promise<boolean> {
    return isUserInOtherSession(this.dataSource, user, session);
  }

  personalData(selection: ErasureSelection): AsyncGenerator<PersonalRecord, void, void> {
    return personalDataOf(this.dataSource, selection);
  }
}
