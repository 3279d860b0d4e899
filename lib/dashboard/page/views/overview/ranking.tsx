import type { TopMeasure, TopRow } from '../../../../statistics/statistics.types.js';
import type { Bar } from '../../parts/bars.js';
import { Icon, type IconName } from '../../parts/icon.js';
import { hrefWith } from '../../state/address.js';
import { DIMENSIONS, type TableDimension } from '../../state/dimensions.js';
import { filterHref, propertyParameter } from '../../state/filters.js';

/** What a table is a ranking of. */
export interface Ranking {
  /** In the address, where all of it is asked for. */
  name: string;
  title: string;
  /** Of the question for it. */
  parameters: { dimension: string; property?: string };
  /** What is counted, unless something else is asked for. */
  measure: TopMeasure;
  /** A row; a click on it filters by it. */
  barOf: (row: TopRow, address: URLSearchParams) => Bar;
}

/** Of the dialog that shows all of a table. */
const CLOSED = { more: null, q: null, count: null };

const DEVICES: Record<string, IconName> = { desktop: 'desktop', mobile: 'mobile', tablet: 'tablet' };

export function rankingOf(dimension: TableDimension): Ranking {
  const { title, measure } = DIMENSIONS[dimension];
  return {
    name: dimension,
    title,
    parameters: { dimension },
    measure,
    barOf: (row, address) => barOf(dimension, row, address),
  };
}

/** The values of a property. */
export function rankingOfProperty(key: string): Ranking {
  return {
    name: 'property',
    title: key,
    parameters: { dimension: 'property', property: key },
    measure: 'activities',
    barOf: ({ value, count }, address) => ({
      key: value ?? '',
      label: value ?? <em>none</em>,
      title: value ?? 'none',
      count,
      ...(value !== null && { href: filterHref(closed(address), propertyParameter(key), value) }),
    }),
  };
}

function barOf(dimension: TableDimension, { value, count, name }: TopRow, address: URLSearchParams): Bar {
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
    href: filterHref(closed(address), dimension, value),
    ...(dimension === 'user' &&
      value !== null && {
        more: (
          <a
            class="aside"
            href={hrefWith(address, { ...CLOSED, view: 'user', user: value })}
            aria-label={`All about ${text}`}
            title={`All about ${text}`}
          >
            <Icon name="user" />
          </a>
        ),
      }),
  };
}

function closed(address: URLSearchParams): URLSearchParams {
  return new URLSearchParams(hrefWith(address, CLOSED));
}
