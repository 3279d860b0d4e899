import type { ParsedFilter } from '../activity/activity.filter.js';

export interface ErasureSelection {
  filter: ParsedFilter;
  /** True if activities without a login in the visits of the filter's user stay. */
  keepAnonymous: boolean;
}

/** What to erase and anonymise. Instants are in milliseconds since 1970. */
export interface RetentionPlan {
  /** Activities before it are erased. */
  eraseBefore?: number | undefined;
  /** `keep`: counts in the statistics stay; see docs/privacy.md. */
  figures: 'keep' | 'erase';
  /** Activities with these names are erased earlier, and their counts too. */
  names: { name: string; before: number }[];
  /** Activities before it are anonymised. */
  anonymiseBefore?: number | undefined;
  /** Keys that anonymous activities do not have. */
  properties: string[];
}

/** The number of activities that were erased and anonymised. */
export interface RetentionResult {
  erased: number;
  anonymised: number;
}
