import type { TopRow } from '../../../../statistics/statistics.types.js';
import { Icon, type IconName } from '../../parts/icon.js';
import type { Bar } from '../../parts/bars.js';
import { hrefWith } from '../../state/address.js';
import { DIMENSIONS, type TableDimension } from '../../state/dimensions.js';
import { filterHref } from '../../state/filters.js';

const DEVICES: Record<string, IconName> = { desktop: 'desktop', mobile: 'mobile', tablet: 'tablet' };

/** A row of a table: a click on it filters by it. */
export function barOf(
  dimension: TableDimension,
  { value, count, name }: TopRow,
  address: URLSearchParams,
): Bar {
  const text = value === null ? DIMENSIONS[dimension].none : (name ?? value);
  const icon = dimension === 'device' && value !== null ? DEVICES[value] : undefined;
  return {
    key: value ?? '',
    title: name && value !== null ? `${name} (${value})` : text,
    label: (
      <>
        {icon && <Icon name={icon} />}
        {value === null ? <em>{text}</em> : text}
      </>
    ),
    count,
    href: filterHref(new URLSearchParams(hrefWith(address, { more: null, q: null })), dimension, value),
    ...(dimension === 'user' &&
      value !== null && {
        more: (
          <a
            class="aside"
            href={hrefWith(address, { view: 'user', user: value, more: null, q: null })}
            aria-label={`All about ${text}`}
            title={`All about ${text}`}
          >
            <Icon name="user" />
          </a>
        ),
      }),
  };
}
