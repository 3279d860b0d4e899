import type { Dimension, Measure, TopMeasure } from '../../../statistics/statistics.types.js';
import type { FilterKey } from './filters.js';

export interface DimensionWords {
  /** Of its tab. */
  title: string;
  /** Of a row without a value. */
  none: string;
  /** What is counted, unless something else is asked for. */
  measure: TopMeasure;
}

const visits: TopMeasure = 'visits';

/** All but the properties: what a click on their rows filters by has the same name. */
export const DIMENSIONS: Record<Exclude<Dimension, 'property'> & FilterKey, DimensionWords> = {
  path: { title: 'Pages', none: 'none', measure: 'views' },
  entry: { title: 'Entries', none: 'none', measure: visits },
  exit: { title: 'Exits', none: 'none', measure: visits },
  referrer: { title: 'Referrers', none: 'Direct or unknown', measure: visits },
  utmCampaign: { title: 'Campaigns', none: 'No campaign', measure: visits },
  utmSource: { title: 'Sources', none: 'No source', measure: visits },
  utmMedium: { title: 'Media', none: 'No medium', measure: visits },
  utmTerm: { title: 'Terms', none: 'No term', measure: visits },
  utmContent: { title: 'Contents', none: 'No content', measure: visits },
  name: { title: 'Activities', none: 'none', measure: 'activities' },
  browser: { title: 'Browsers', none: 'Unknown', measure: visits },
  system: { title: 'Systems', none: 'Unknown', measure: visits },
  device: { title: 'Devices', none: 'Unknown', measure: visits },
  user: { title: 'Users', none: 'Not logged in', measure: visits },
};

export type TableDimension = keyof typeof DIMENSIONS;

export const TOP_MEASURE_WORDS: Record<TopMeasure & Measure, string> = {
  visits: 'Visits',
  users: 'Users',
  sessions: 'Sessions',
  views: 'Views',
  activities: 'Activities',
};
