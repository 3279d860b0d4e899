import type { JSX } from 'preact';
import type { Activity } from '../../../../activity/activity.entity.js';
import { pathOf, useQuestion } from '../../data/question.js';
import { useAnswer } from '../../data/use-answer.js';
import { Answered, Empty, SkeletonRows } from '../../parts/card.js';
import { Select } from '../../parts/choice.js';
import { go, useAddress } from '../../state/address.js';
import { rankingOfProperty } from './ranking.js';
import { TopTable } from './top-table.js';

/** So many of the latest activities are looked at for the keys that they have. */
const LOOKED_AT = 500;

/** The values of a property; which properties there are is told by the latest activities. */
export function PropertyTable({ isAsked }: { isAsked: boolean }): JSX.Element {
  const address = useAddress();
  const { parameters } = useQuestion();
  const { from, to } = parameters;
  const { name, path, session } = parameters;
  // Whose user is none cannot be looked for.
  const user = parameters.user || undefined;
  const latest = useAnswer<{ items: Activity[] }>(
    isAsked ? pathOf('activities', { name, path, user, session, from, to, limit: LOOKED_AT }) : undefined,
  );
  const keys = propertyKeysOf(latest.value?.items ?? []);
  const key = keys.find((each) => each === address.get('property')) ?? keys[0];
  return (
    <Answered answer={latest} skeleton={<SkeletonRows />}>
      {() =>
        key === undefined ? (
          <Empty>The latest activities of this range have no properties.</Empty>
        ) : (
          <>
            <Select
              label="Property"
              value={key}
              options={Object.fromEntries(keys.map((each) => [each, each]))}
              onChange={(chosen) => go({ property: chosen }, { replace: true })}
            />
            <TopTable ranking={rankingOfProperty(key)} isAsked />
          </>
        )
      }
    </Answered>
  );
}

/** The commonest first. */
function propertyKeysOf(activities: { properties: Record<string, unknown> | null }[]): string[] {
  const counts = new Map<string, number>();
  for (const { properties } of activities) {
    for (const [key, value] of Object.entries(properties ?? {}))
      if (typeof value !== 'object') counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a).map(([key]) => key);
}
