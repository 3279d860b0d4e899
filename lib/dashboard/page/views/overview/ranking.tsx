import type { TopMeasure, TopRow } from '../../../../statistics/statistics.types.js';
import { formatValue } from '../../format.js';
import type { Bar } from '../../parts/bars.js';
import { Icon, type IconName } from '../../parts/icon.js';
import { hrefWith } from '../../state/url.js';
import { DIMENSIONS, type TableDimension } from '../../state/dimensions.js';
import { countsActivities, filterHref, propertyParameter } from '../../state/filters.js';

/** The content of a table of top values. */
export interface Ranking {
  /** The name in the URL of the dialog with all rows. */
  name: string;
  title: string;
  /** The text of the column. */
  one: string;
  /** The parameters of the request. */
  parameters: { dimension: string; property?: string };
  /** The default measure. */
  measure: TopMeasure;
  /** Returns a row; a click on it filters by its value. */
  toBar: (row: TopRow, url: URLSearchParams) => Bar;
}

/** URL parameters that close the dialog with all rows. */
const CLOSED = { more: null, q: null, count: null };

const DEVICES: Record<string, IconName> = { desktop: 'desktop', mobile: 'mobile', tablet: 'tablet' };

export function buildRanking(dimension: TableDimension, url: URLSearchParams): Ranking {
  const { title, one, measure } = DIMENSIONS[dimension];
  return {
    name: dimension,
    title,
    one,
    parameters: { dimension },
    measure: dimension === 'path' && countsActivities(url) ? 'activities' : measure,
    toBar: (row, current) => toBar(dimension, row, current),
  };
}

/** The top values of a property. */
export function rankingOfProperty(key: string): Ranking {
  return {
    name: 'property',
    title: key,
    one: key,
    parameters: { dimension: 'property', property: key },
    measure: 'activities',
    toBar: ({ value, count }, url) => ({
      key: value ?? '',
      label: value ?? <em>none</em>,
      title: value ?? 'none',
      count,
      ...(value !== null && { href: filterHref(closed(url), propertyParameter(key), value) }),
    }),
  };
}

function toBar(dimension: TableDimension, { value, count, name }: TopRow, url: URLSearchParams): Bar {
  const text = value === null ? DIMENSIONS[dimension].none : (name ?? formatValue(dimension, value));
  const icon = dimension === 'device' && value !== null ? DEVICES[value] : undefined;
  return {
    key: value ?? '',
    title: value !== null && text !== value ? `${text} (${value})` : text,
    label: (
      <>
        {icon && <Icon name={icon} />}
        {value === null ? <em>{text}</em> : text}
      </>
    ),
    count,
    href: filterHref(closed(url), dimension, value),
    ...(dimension === 'user' &&
      value !== null && {
        more: (
          <a
            class="aside"
            href={hrefWith(url, { ...CLOSED, view: 'user', user: value })}
            aria-label={`View profile of ${text}`}
            title={`View profile of ${text}`}
          >
            <Icon name="user" />
          </a>
        ),
      }),
  };
}

function closed(url: URLSearchParams): URLSearchParams {
  return new URLSearchParams(hrefWith(url, CLOSED));
}
