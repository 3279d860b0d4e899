import type { Dimension, Measure, TopMeasure } from '../../../statistics/statistics.types.js';
import type { FilterKey } from './filters.js';

export interface DimensionWords {
  /** The text of the tab. */
  title: string;
  /** The text of the column. */
  one: string;
  /** The text of a row without a value. */
  none: string;
  /** The default measure. */
  measure: TopMeasure;
}

const visits: TopMeasure = 'visits';

/** All dimensions except properties. A click on a row sets the filter of the same name. */
export const DIMENSIONS: Record<Exclude<Dimension, 'property'> & FilterKey, DimensionWords> = {
  path: { title: 'Pages', one: 'Page', none: 'none', measure: 'views' },
  route: { title: 'Routes', one: 'Route', none: 'none', measure: 'activities' },
  entry: { title: 'Entry pages', one: 'Entry page', none: 'none', measure: visits },
  exit: { title: 'Exit pages', one: 'Exit page', none: 'none', measure: visits },
  referrer: { title: 'Referrers', one: 'Referrer', none: 'Direct or unknown', measure: visits },
  utmCampaign: { title: 'Campaigns', one: 'Campaign', none: 'No campaign', measure: visits },
  utmSource: { title: 'Sources', one: 'Source', none: 'No source', measure: visits },
  utmMedium: { title: 'Mediums', one: 'Medium', none: 'No medium', measure: visits },
  utmTerm: { title: 'Terms', one: 'Term', none: 'No term', measure: visits },
  utmContent: { title: 'Contents', one: 'Content', none: 'No content', measure: visits },
  name: { title: 'Activities', one: 'Activity', none: 'none', measure: 'activities' },
  browser: { title: 'Browsers', one: 'Browser', none: 'Unknown', measure: visits },
  system: { title: 'OS', one: 'OS', none: 'Unknown', measure: visits },
  device: { title: 'Devices', one: 'Device', none: 'Unknown', measure: visits },
  country: { title: 'Countries', one: 'Country', none: 'Unknown', measure: visits },
  language: { title: 'Languages', one: 'Language', none: 'Unknown', measure: visits },
  user: { title: 'Users', one: 'User', none: 'Not logged in', measure: visits },
  group: { title: 'Groups', one: 'Group', none: 'No group', measure: visits },
};

export type TableDimension = keyof typeof DIMENSIONS;

export const TOP_MEASURE_WORDS: Record<TopMeasure & Measure, string> = {
  sessions: 'Visitors',
  visits: 'Visits',
  users: 'Users',
  views: 'Views',
  activities: 'Activities',
};
