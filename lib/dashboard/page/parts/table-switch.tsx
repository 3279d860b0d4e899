import type { JSX } from 'preact';
import { hrefWith, useUrl } from '../state/url.js';
import { Icon } from './icon.js';

export const isTable = (url: URLSearchParams): boolean => url.get('as') === 'table';

/** Shows the same as a table, and back. */
export function TableSwitch({ picture }: { picture: 'chart' | 'diagram' }): JSX.Element {
  const url = useUrl();
  const words = isTable(url) ? `Show as ${picture}` : 'Show as table';
  return (
    <a
      class="button plain"
      href={hrefWith(url, { as: isTable(url) ? null : 'table' })}
      aria-label={words}
      title={words}
    >
      <Icon name={isTable(url) ? 'chart' : 'table'} />
    </a>
  );
}
