import type { JSX } from 'preact';
import { hrefWith, useUrl } from '../state/url.js';

/** Shown instead of a view if the range is invalid. */
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
