import { SESSION_PROPERTIES } from '../activity/session.js';
import type { PersonalVisit } from '../activity/user-activity.js';
import { VISIT_SOURCES } from '../statistics/statistics-filter.js';

/** The columns of a visit that belong to the data of a person, with the same names in each engine. */
export const PERSONAL_VISIT_COLUMNS = [
  'id',
  'sessionId',
  'userId',
  'startedAt',
  'endedAt',
  'duration',
  'activities',
  'views',
  'bounced',
  ...SESSION_PROPERTIES,
  ...VISIT_SOURCES,
] as const satisfies (keyof PersonalVisit)[];
