import type { JSX } from 'preact';
import type { TopRow } from '../../../../statistics/statistics.types.js';
import { pathOf, useQuestion } from '../../data/question.js';
import { useQuery } from '../../data/use-query.js';
import { formatNumber } from '../../format.js';
import { hrefWith, useUrl } from '../../state/url.js';
import { type Step, STEP_KINDS, type StepKind, stepParameter } from './steps.js';

/** How many suggestions of each kind. */
const SUGGESTED = 3;

/** The tracker's own activities, which are useless as steps. */
const USUAL = ['view', 'engagement'];

interface Suggestion extends Step {
  count: number;
}

/** Shown without steps: explains funnels, and suggests first steps. */
export function FunnelStart(): JSX.Element {
  const url = useUrl();
  const suggestions = [...useSuggestions('path'), ...useSuggestions('name')];
  return (
    <section class="card funnel-start" aria-label="Funnel">
      <svg class="funnel-picture" viewBox="0 0 120 64" aria-hidden="true">
        <path d="M4 4h28v56h-28z" />
        <path d="M46 22h28v38h-28z" />
        <path d="M88 42h28v18h-28z" />
      </svg>
      <h2>Where do visitors drop off?</h2>
      <p class="muted">
        Define the steps of your funnel, such as a page and an activity on it. You will see how many visitors
        go on from each step to the next, and where they drop off.
      </p>
      {suggestions.length > 0 && (
        <>
          <p id="funnel-begin" class="muted">
            Suggestions
          </p>
          <ul class="suggestions" aria-labelledby="funnel-begin">
            {suggestions.map(({ count, ...step }) => (
              <li key={stepParameter(step)}>
                <a
                  class="button"
                  href={hrefWith(url, { step: [stepParameter(step), 'path='] })}
                  title={`${formatNumber(count)} in this range`}
                >
                  <span class="muted">{STEP_KINDS[step.kind]}</span>
                  <span class="suggestion-value">{step.value}</span>
                </a>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function useSuggestions(kind: StepKind): Suggestion[] {
  const { parameters } = useQuestion();
  const limit = SUGGESTED + USUAL.length;
  const answer = useQuery<{ items: TopRow[] }>(pathOf('stats/top', parameters, { dimension: kind, limit }));
  const items = answer.value?.items ?? [];
  return items
    .flatMap(({ value, count }) =>
      value === null || (kind === 'name' && USUAL.includes(value)) ? [] : [{ kind, value, count }],
    )
    .slice(0, SUGGESTED);
}
