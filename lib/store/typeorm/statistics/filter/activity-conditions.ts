import type { ActivityField } from '../../../../activity/activity.filter.js';
import type { ParsedCondition } from '../../../../activity/condition.js';
import { isOfActivities, type ParsedStatisticsFilter } from '../../../../statistics/statistics-filter.js';

type ActivityConditions = Pick<
  ParsedStatisticsFilter,
  'path' | 'route' | 'subject' | 'group' | 'name' | 'ip'
> & {
  user?: string;
  conditions?: ParsedCondition<ActivityField>[];
};

/** Returns the conditions of a filter on single activities. `user: null` is a condition on the visit. */
export function activityConditions(filter: ParsedStatisticsFilter): ActivityConditions {
  const { user, path, route, subject, group, name, ip } = filter;
  const conditions = (filter.conditions ?? []).filter(isOfActivities);
  return {
    ...(user != null && { user }),
    ...(path !== undefined && { path }),
    ...(route !== undefined && { route }),
    ...(subject !== undefined && { subject }),
    ...(name !== undefined && { name }),
    ...(group !== undefined && { group }),
    ...(ip !== undefined && { ip }),
    ...(conditions.length > 0 && { conditions }),
  };
}
