import { type EntityManager, In } from 'typeorm';
import { Activity } from '../../../../activity/activity.js';
import type { Page } from '../../../../activity/pagination.js';
import { type SessionStart, sessionStarts } from '../../reading/activities.js';
import { findPaths } from '../rollup/path-dictionary.js';
import { isoIn, type Range } from '../../../../statistics/time/calendar.js';
import type { StatisticsQuery } from '../filter/statistics-query.js';
import {
  MAX_ACTIVITIES_OF_VISIT,
  type VisitActivity,
  type VisitRecord,
} from '../../../../statistics/statistics.types.js';
import type { VisitsQuery } from '../../../../statistics/statistics.store.js';
import { encodeVisitCursor } from '../../../../statistics/visit-cursor.js';
import type { Visit } from '../rollup/tables/visit.entity.js';

export async function visits(
  selection: StatisticsQuery,
  range: Range,
  { limit, order, after }: VisitsQuery,
): Promise<Page<VisitRecord>> {
  const direction = order === 'asc' ? 'ASC' : 'DESC';
  const beyond = order === 'asc' ? '>' : '<';
  const id = selection.dialect.binary('visit.id');
  const query = selection.visits(range);
  if (after !== undefined) {
    const { start, visit } = after;
    query
      .andWhere(`visit.startedAt ${beyond}= ${start}`)
      .andWhere(`(visit.startedAt ${beyond} ${start} OR ${id} ${beyond} :after)`, { after: visit });
  }
  const rows = await query
    .leftJoinAndSelect('visit.session', 'of')
    .orderBy('visit.startedAt', direction)
    .addOrderBy(id, direction)
    .limit(limit + 1)
    .getMany();
  const page = rows.slice(0, limit);
  if (selection.isScoped) await giveOwnSessions(selection, page);
  const activities = await loadActivities(selection.manager, page);
  const paths = await findPaths(
    selection.manager,
    page.flatMap(({ entry, exit }) => [entry, exit]),
  );
  const last = page.at(-1);
  return {
    items: page.map((visit) => toVisitRecord(visit, activities.get(visit.id) ?? [], paths, range)),
    next:
      rows.length > limit && last
        ? encodeVisitCursor({ start: last.startedAt.getTime(), visit: last.id })
        : null,
  };
}

/** Sets the start of each session to its first activity in the scope: earlier visits may be outside of it. */
async function giveOwnSessions(selection: StatisticsQuery, page: Visit[]): Promise<void> {
  const ids = [...new Set(page.flatMap(({ session }) => session?.id ?? []))];
  if (ids.length === 0) return;
  const query = selection.manager.createQueryBuilder(Activity, 'activity');
  selection.applyScope(query);
  const rows = await sessionStarts(query, ids).getRawMany<SessionStart>();
  const starts = new Map(rows.map(({ id, first }) => [id, new Date(Number(first))]));
  for (const { session } of page) {
    const startedAt = session && starts.get(session.id);
    if (startedAt) session.startedAt = startedAt;
  }
}

function toVisitRecord(
  visit: Visit,
  activities: Activity[],
  paths: Map<number, string>,
  range: Range,
): VisitRecord {
  const { id, session, userId: user, duration, bounced, views, activities: count } = visit;
  const { referrer, utmSource, utmMedium, utmCampaign, utmTerm, utmContent } = visit;
  return {
    id,
    session,
    user,
    startedAt: isoIn(range, visit.startedAt.getTime()),
    endedAt: isoIn(range, visit.endedAt.getTime()),
    duration,
    bounced,
    views,
    entry: paths.get(visit.entry) ?? '',
    exit: paths.get(visit.exit) ?? '',
    referrer,
    utmSource,
    utmMedium,
    utmCampaign,
    utmTerm,
    utmContent,
    count,
    activities: activities.map((activity) => toVisitActivity(activity, range)),
  };
}

function toVisitActivity(activity: Activity, range: Range): VisitActivity {
  const { id, name, path, referer, subject, properties, userId, userName } = activity;
  return {
    id,
    date: isoIn(range, activity.date.getTime()),
    name,
    path,
    referer,
    subject,
    properties,
    userId,
    userName,
  };
}

/** Loads the first {@link MAX_ACTIVITIES_OF_VISIT} activities of each visit. */
async function loadActivities(manager: EntityManager, page: Visit[]): Promise<Map<string, Activity[]>> {
  const found = new Map<string, Activity[]>();
  const few = page.filter(({ activities }) => activities <= MAX_ACTIVITIES_OF_VISIT).map(({ id }) => id);
  const repository = manager.getRepository(Activity);
  for (const activity of few.length > 0 ? await repository.findBy({ visitId: In(few) }) : []) {
    const ofVisit = found.get(activity.visitId ?? '') ?? [];
    found.set(activity.visitId ?? '', [...ofVisit, activity]);
  }
  for (const { id, activities } of page) {
    if (activities <= MAX_ACTIVITIES_OF_VISIT) continue;
    found.set(
      id,
      await repository.find({
        where: { visitId: id },
        order: { date: 'ASC', id: 'ASC' },
        take: MAX_ACTIVITIES_OF_VISIT,
      }),
    );
  }
  for (const activities of found.values()) activities.sort(byPlace);
  return found;
}

function byPlace(a: Activity, b: Activity): number {
  return a.date.getTime() - b.date.getTime() || (a.id < b.id ? -1 : 1);
}
