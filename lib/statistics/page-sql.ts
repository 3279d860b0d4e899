import { pathColumns, pathCondition } from '../activity/activity.filter.js';
import type { Dialect } from '../activity/dialects/dialect.js';

/** The SQL of the page of an activity; alias `activity`. */
export const PAGE = 'COALESCE(activity.page, activity.path)';

/**
 * The SQL of an activity being on a page, or with a trailing `*` on one that begins so. It uses the index of paths and
 * the one of other pages; the expression {@link PAGE} has no index.
 * @throws InvalidFilterError
 */
export function pageCondition(
  dialect: Dialect,
  parameter: string,
  page: string,
): ReturnType<typeof pathCondition> {
  const own = pathCondition(pathColumns(dialect, 'activity.path'), parameter, page);
  const other = pathCondition(pathColumns(dialect, 'activity.page'), parameter, page);
  return { ...own, sql: `((activity.page IS NULL AND ${own.sql}) OR (${other.sql}))` };
}
