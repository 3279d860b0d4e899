import type { ComponentChildren, JSX } from 'preact';
import type { QueryState } from '../data/use-query.js';
import { formatMoment } from '../format.js';
import { parseFilters, formatValues } from '../state/filters.js';
import { OWN_ZONE } from '../state/range.js';
import { hrefWith, useUrl } from '../state/url.js';

interface CardProps {
  title: string;
  /** Tabs that replace the title, which is then only for screen readers. */
  tabs?: ComponentChildren;
  /** Buttons next to the title. */
  actions?: ComponentChildren;
  class?: string;
  children: ComponentChildren;
}

export function Card({ title, tabs, actions, children, class: name = '' }: CardProps): JSX.Element {
  return (
    <section class={`card ${name}`} aria-label={title}>
      <header class="card-head">
        <h2 class={tabs ? 'hidden' : ''}>{title}</h2>
        {tabs}
        {actions}
      </header>
      {children}
    </section>
  );
}

interface QueryResultProps<T> {
  answer: QueryState<T>;
  /** Shown until the first answer. */
  skeleton: JSX.Element;
  children: (value: T) => ComponentChildren;
}

/** Shows a skeleton, the result of a query, or its error. */
export function QueryResult<T>({ answer, skeleton, children }: QueryResultProps<T>): JSX.Element {
  const { value, isLoading, failure, retry, staleSince } = answer;
  if (failure) {
    return (
      <div class="failure" role="alert">
        <p>{failure.message}</p>
        {failure.status === 401 ? (
          <button type="button" onClick={() => location.reload()}>
            Log in
          </button>
        ) : (
          <button type="button" onClick={retry}>
            Try again
          </button>
        )}
      </div>
    );
  }
  if (value === undefined) {
    return (
      <div aria-busy="true">
        <span class="hidden">Loading</span>
        {skeleton}
      </div>
    );
  }
  return (
    <div class={isLoading ? 'is-loading' : ''} aria-busy={isLoading}>
      {children(value)}
      {staleSince && <StaleNote since={staleSince} />}
    </div>
  );
}

function StaleNote({ since }: { since: Date }): JSX.Element {
  const timeZone = useUrl().get('tz') ?? OWN_ZONE;
  return (
    <p class="stale" role="status" title="Newer activities are not included yet.">
      {+since === 0 ? 'Still computing' : `As of ${formatMoment(since, timeZone)}`}
    </p>
  );
}

export function Empty({ children }: { children: ComponentChildren }): JSX.Element {
  return <p class="empty">{children}</p>;
}

/** Shown without data; if there are filters, they may be the reason. */
export function NothingHere(): JSX.Element {
  const url = useUrl();
  // On the profile, the user is not a filter.
  const view = url.get('view');
  const filters = parseFilters(url).filter(({ parameter }) => parameter !== view);
  if (filters.length === 0) return <Empty>No data in this range.</Empty>;
  const cleared = Object.fromEntries(filters.map(({ parameter }) => [parameter, null]));
  return (
    <div class="empty">
      <p>
        Nothing in this range matches {filters.length === 1 ? 'the filter' : 'all filters'}{' '}
        <strong>{filters.map((filter) => `${filter.label}: ${formatValues(filter)}`).join(', ')}</strong>.
      </p>
      <a class="link" href={hrefWith(url, cleared)}>
        {filters.length === 1 ? 'Remove the filter' : 'Remove the filters'}
      </a>
    </div>
  );
}

/** Grey lines instead of a table's rows. */
export function SkeletonRows({ count = 8 }: { count?: number }): JSX.Element {
  return (
    <div class="skeleton-rows" aria-hidden="true">
      {Array.from({ length: count }, (_, i) => (
        <div key={i} class="skeleton" style={{ width: `${95 - i * 8}%` }} />
      ))}
    </div>
  );
}
