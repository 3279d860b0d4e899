import type { ComponentChildren, JSX } from 'preact';
import { formatCompact, formatNumber, formatShare } from '../format.js';

export interface Bar {
  key: string;
  label: ComponentChildren;
  /** The complete text of the label. */
  title: string;
  count: number;
  /** The target of a click. */
  href?: string;
  /** Content after the label. */
  more?: ComponentChildren;
}

interface BarsProps {
  /** The names of the two columns. */
  head: [what: string, measure: string];
  bars: Bar[];
  /** The total for shares; without it, no shares are shown. */
  total?: number | undefined;
}

/** A table whose rows are bars. */
export function Bars({ head, bars, total }: BarsProps): JSX.Element {
  const max = Math.max(1, ...bars.map(({ count }) => count));
  return (
    <table class="bars">
      <thead>
        <tr>
          <th scope="col">
            <span class="hidden">{head[0]}</span>
          </th>
          <th scope="col">{head[1]}</th>
          {total !== undefined && <th scope="col">Share</th>}
        </tr>
      </thead>
      <tbody>
        {bars.map(({ key, label, title, count, href, more }) => (
          <tr key={key}>
            <td>
              <span class="bar" style={{ width: `${(100 * count) / max}%` }} />
              {href === undefined ? (
                <span class="bar-label" title={title}>
                  {label}
                </span>
              ) : (
                <a class="bar-label" href={href} title={title}>
                  {label}
                </a>
              )}
              {more}
            </td>
            <td title={formatNumber(count)}>{formatCompact(count)}</td>
            {total !== undefined && <td>{total > 0 ? formatShare(count / total) : ''}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
