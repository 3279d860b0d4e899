import type { JSX } from 'preact';
import type { Activity } from '../../../../activity/activity.js';
import { pathOf, useQuestion } from '../../data/question.js';
import { useQuery } from '../../data/use-query.js';
import { QueryResult, Empty, SkeletonRows } from '../../parts/card.js';
import { Select } from '../../parts/choice.js';
import { parseFilters } from '../../state/filters.js';
import { navigate, useUrl } from '../../state/url.js';
import { rankingOfProperty } from './ranking.js';
import { TopTable } from './top-table.js';

/** How many of the latest activities are searched for keys. */
const SAMPLE_SIZE = 500;

const ENGAGEMENT = 'engagement';

/** The values of a property; the latest activities show which properties there are. */
export function PropertyTable({ isAsked }: { isAsked: boolean }): JSX.Element {
  const url = useUrl();
  const { parameters } = useQuestion();
  const { from, to } = parameters;
  // The parameter `path` of statistics is `page` for activities.
  const { name, path: page, session } = parameters;
  // Activities cannot be filtered by having no user.
  const user = parameters.user || undefined;
  const latest = useQuery<{ items: Activity[] }>(
    isAsked ? pathOf('activities', { name, page, user, session, from, to, limit: SAMPLE_SIZE }) : undefined,
  );
  // Engagement is frequent, and its properties are those of the tracker.
  const items = latest.value?.items.filter((activity) => name === ENGAGEMENT || activity.name !== ENGAGEMENT);
  const keys = rankPropertyKeys(items ?? []);
  const key = keys.find((each) => each === url.get('property')) ?? keys[0];
  const hasFilters = parseFilters(url).length > 0;
  return (
    <QueryResult answer={latest} skeleton={<SkeletonRows />}>
      {() =>
        key === undefined ? (
          <Empty>
            {hasFilters
              ? 'No activity that matches the filters has properties.'
              : 'No activity in this range has properties.'}
          </Empty>
        ) : (
          <>
            <Select
              label="Property"
              value={key}
              options={Object.fromEntries(keys.map((each) => [each, each]))}
              onChange={(chosen) => navigate({ property: chosen }, { replace: true })}
            />
            <TopTable ranking={rankingOfProperty(key)} isAsked />
          </>
        )
      }
    </QueryResult>
  );
}

/** Returns the keys; the most frequent first. */
function rankPropertyKeys(activities: { properties: Record<string, unknown> | null }[]): string[] {
  const counts = new Map<string, number>();
  for (const { properties } of activities) {
    for (const [key, value] of Object.entries(properties ?? {}))
      if (typeof value !== 'object') counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a).map(([key]) => key);
}
