import type { ActivityFilter } from '../activity/activity.filter.js';
import type { Matching } from '../activity/condition.js';
import { SESSION_PROPERTIES } from '../activity/session.js';

/** Filters that may be `null`, which matches those without a value. */
export const MAY_BE_NONE = [
  'user',
  'referrer',
  'utmSource',
  'utmMedium',
  'utmCampaign',
  'utmTerm',
  'utmContent',
  ...SESSION_PROPERTIES,
] as const;

/** Selects activities and visits; docs/statistics.md defines when they count. */
export interface StatisticsFilter extends Omit<ActivityFilter, 'user' | 'page'> {
  /** The host's id of the user; `null` for visits in which nobody was logged in. */
  user?: Matching<string> | null | { not: null } | undefined;
  /** The page of the visit's first activity: whole, or with a trailing `*` the beginning of pages. */
  entry?: Matching<string> | undefined;
  /** The page of the visit's last activity: whole, or with a trailing `*` the beginning of pages. */
  exit?: Matching<string> | undefined;
  /**
   * The host or app where the visit came from, such as `duckduckgo.com`; `null` for none. Case, a final dot, and the
   * spelling of an international name (`bücher.example`, `xn--bcher-kva.example`) do not matter.
   */
  referrer?: Matching<string | null> | undefined;
  /** `utm_source` of the visit's first activity; `null` for none. */
  utmSource?: Matching<string | null> | undefined;
  /** `utm_medium`, likewise. */
  utmMedium?: Matching<string | null> | undefined;
  /** `utm_campaign`, likewise. */
  utmCampaign?: Matching<string | null> | undefined;
  /** `utm_term`, likewise. */
  utmTerm?: Matching<string | null> | undefined;
  /** `utm_content`, likewise. */
  utmContent?: Matching<string | null> | undefined;
  /** As in `Session.browser`; `null` matches unknown browsers. */
  browser?: Matching<string | null> | undefined;
  /** As in `Session.system`, likewise. */
  system?: Matching<string | null> | undefined;
  /** As in `Session.device`, likewise. */
  device?: Matching<string | null> | undefined;
  /** As in `Session.country`, likewise. */
  country?: Matching<string | null> | undefined;
  /** As in `Session.language`, likewise. */
  language?: Matching<string | null> | undefined;
  /**
   * Whether known bots count too.
   * @defaultValue false
   */
  bots?: boolean | undefined;
}

/** The common properties of questions: a filter, a range (`from` inclusive, `to` exclusive) and a time zone. */
export interface Question extends StatisticsFilter {
  /**
   * An IANA time zone, such as `Europe/Berlin`.
   * @defaultValue 'UTC'
   */
  timeZone?: string | undefined;
}
