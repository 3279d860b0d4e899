import type { JSX } from 'preact';
import { hrefWith, useUrl } from '../state/url.js';

/** Instead of a view whose range cannot be shown. */
export function RangeProblem({ problem }: { problem: string }): JSX.Element {
  const url = useUrl();
  return (
    <div class="card failure" role="alert">
      <p>{problem}</p>
      <a class="button" href={hrefWith(url, { range: null, from: null, to: null, tz: null })}>
        Show the last 30 days
      </a>
    </div>
  );
}
