import type { JSX } from 'preact';
import { hrefWith, useAddress } from '../state/address.js';
import { Icon } from './icon.js';

export const isTable = (address: URLSearchParams): boolean => address.get('as') === 'table';

/** Shows the same as a table, and back. */
export function TableSwitch({ picture }: { picture: 'chart' | 'diagram' }): JSX.Element {
  const address = useAddress();
  const words = isTable(address) ? `As a ${picture}` : 'As a table';
  return (
    <a
      class="button plain"
      href={hrefWith(address, { as: isTable(address) ? null : 'table' })}
      aria-label={words}
      title={words}
    >
      <Icon name={isTable(address) ? 'chart' : 'table'} />
    </a>
  );
}
