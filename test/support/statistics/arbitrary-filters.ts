import fc from 'fast-check';
import type { Matching, PropertyFilters, Question, StatisticsFilter } from '../../../lib/index.js';
import {
  ANCHORS,
  anActivity,
  GROUPS,
  IPS,
  KEYS,
  NAMES,
  NUMBERS,
  OTHER_PAGES,
  PATHS,
  PATHS_WITH_QUERY,
  PROPERTIES,
  REFERRERS,
  ROUTES,
  COUNTRIES,
  LANGUAGES,
  SESSIONS,
  SUBJECTS,
  USERS,
  UTM_CAMPAIGNS,
  UTM_CONTENTS,
  UTM_MEDIUMS,
  UTM_SOURCES,
  UTM_TERMS,
  VISITS,
} from './arbitrary-activities.js';
import { isoOf, startOf } from './calendar.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export const ZONES = [
  'UTC',
  'Europe/Berlin',
  'Europe/London',
  'America/New_York',
  'Asia/Kolkata',
  'America/St_Johns',
  'America/Havana',
  'Pacific/Auckland',
];

export const aPath = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom('/', '/pricing') },
  fc.constantFrom(...PATHS),
  fc.constantFrom(...OTHER_PAGES),
  fc.constantFrom('/*', '/p*', '/a*', '/a%*', '/?utm*', '/🦋*', '/nothing*', '#*', '/pricing/*'),
);

export const aRoute = fc.oneof(fc.constantFrom(...ROUTES), fc.constantFrom('/items*', '/*', '/nothing'));

const anEnd = fc.oneof({ weight: 3, arbitrary: aPath }, fc.constantFrom(...PATHS_WITH_QUERY));

/** One of the texts, or `null`. */
function orNone(...texts: string[]): fc.Arbitrary<string | null> {
  return fc.option(fc.constantFrom(...texts), { freq: 2 });
}

/** One value, several, or conditions. */
export function matching<T extends string | null>(value: fc.Arbitrary<T>): fc.Arbitrary<Matching<T>> {
  const several = fc.array(value, { minLength: 1, maxLength: 3 });
  const start = value
    .filter((text) => text !== null && text !== '')
    .map((text) => Array.from(`${text}`)[0] ?? '/');
  return fc.oneof(
    { weight: 4, arbitrary: value },
    several,
    fc.oneof(value, several).map((not) => ({ not })),
    start.map((startsWith) => ({ startsWith })),
    fc.record({ startsWith: start, not: value }),
  );
}

type PlainProperties = Record<string, string | number | boolean>;

const plainProperties: fc.Arbitrary<PlainProperties> = fc
  .constantFrom(...PROPERTIES)
  .map((properties) =>
    Object.entries(properties).filter(
      (entry): entry is [string, PlainProperties[string]] =>
        entry[1] !== null && typeof entry[1] !== 'object',
    ),
  )
  .chain((plain) => fc.subarray(plain).map((entries) => Object.fromEntries(entries)));

const aLimit = fc.constantFrom(...NUMBERS, -3, 0.5, 999_999.99, 1e6);

const conditionsOnProperties: fc.Arbitrary<PropertyFilters> = fc.dictionary(
  fc.constantFrom(...KEYS, 'n', 'n', 'visible'),
  fc.oneof(
    fc.array(fc.constantFrom('pro', 'Pro', '', '1', 1, true, 'x', '%'), { minLength: 1, maxLength: 3 }),
    fc.constantFrom('pro', 'Pro', 1, true, '%', ['pro', '1'], ['', 'é']).map((not) => ({ not })),
    fc.constantFrom('p', 'P', '1', 'pro ', '🦋', '%', '-').map((startsWith) => ({ startsWith })),
    aLimit.map((gte) => ({ gte })),
    fc.record({ gte: aLimit, lte: aLimit, not: fc.constantFrom('1', 'pro') }, { requiredKeys: ['lte'] }),
  ),
  { minKeys: 1, maxKeys: 2 },
);

export const someProperties: fc.Arbitrary<PropertyFilters> = fc.oneof(
  plainProperties,
  conditionsOnProperties,
);

const anyFilter: fc.Arbitrary<StatisticsFilter> = fc.record({
  user: fc.oneof(
    { weight: 3, arbitrary: matching(fc.constantFrom(...USERS)) },
    fc.constantFrom(null, { not: null }),
  ),
  group: matching(fc.constantFrom(...GROUPS.flatMap((id) => [`company:${id}`, `Company:${id}`]))),
  session: matching(fc.constantFrom(...SESSIONS)),
  visit: matching(fc.constantFrom(...VISITS)),
  path: matching(aPath),
  route: matching(aRoute),
  subject: matching(fc.constantFrom(...SUBJECTS)),
  name: matching(fc.constantFrom(...NAMES)),
  ip: matching(fc.constantFrom(...IPS)),
  entry: matching(anEnd),
  exit: matching(anEnd),
  referrer: matching(orNone(...REFERRERS)),
  utmSource: matching(orNone(...UTM_SOURCES)),
  utmMedium: matching(orNone(...UTM_MEDIUMS)),
  utmCampaign: matching(orNone(...UTM_CAMPAIGNS)),
  utmTerm: matching(orNone(...UTM_TERMS)),
  utmContent: matching(orNone(...UTM_CONTENTS)),
  browser: matching(orNone('Chrome', 'Firefox', 'Safari', 'chrome')),
  system: matching(orNone('Windows', 'Linux', 'iOS')),
  device: matching(orNone('desktop', 'mobile', 'tablet', 'bot')),
  country: matching(orNone(...COUNTRIES, 'de')),
  language: matching(orNone(...LANGUAGES, 'en')),
  properties: someProperties,
});

/** Filters whose user, session and visit belong together. */
const aFilterOfActivity: fc.Arbitrary<StatisticsFilter> = fc
  .tuple(anActivity, anyFilter)
  .map(([{ user, group, session, visit, path, name, ip }, others]) => ({
    ...others,
    ...(group && { group: [group.type, group.id] as const }),
    user: user ? String(user.id) : null,
    session,
    visit,
    path,
    name,
    ip,
  }));

const PROPERTIES_OF_FILTER = [
  'user',
  'group',
  'session',
  'visit',
  'path',
  'route',
  'subject',
  'name',
  'ip',
  'entry',
  'exit',
  'referrer',
  'utmSource',
  'utmMedium',
  'utmCampaign',
  'utmTerm',
  'utmContent',
  'browser',
  'system',
  'device',
  'country',
  'language',
  'properties',
];

/** A filter with no property, one, or a few. */
export const aFilter: fc.Arbitrary<StatisticsFilter> = fc
  .tuple(
    fc.oneof(anyFilter, aFilterOfActivity),
    fc.oneof(
      fc.constant<string[]>([]),
      fc.subarray(PROPERTIES_OF_FILTER, { minLength: 1, maxLength: 1 }),
      fc.subarray(PROPERTIES_OF_FILTER, { maxLength: 4 }),
    ),
    fc.constantFrom({}, {}, { bots: true }, { bots: false }, { bots: undefined }),
  )
  .map(([filter, keys, bots]) => ({
    ...Object.fromEntries(Object.entries(filter).filter(([key]) => keys.includes(key))),
    ...bots,
  }));

/** A moment near the activities, or the start of an hour, a day or a month. */
function aMomentIn(timeZone: string): fc.Arbitrary<number> {
  return fc
    .tuple(
      fc.constantFrom(...ANCHORS),
      fc.integer({ min: -60, max: 60 }),
      fc.constantFrom(0, 0, 1, HOUR / 4, 1_234_567),
      fc.constantFrom(undefined, 'day', 'day', 'hour', 'month'),
    )
    .map(([anchor, hours, beside, interval]) => {
      const moment = anchor + hours * HOUR + beside;
      return interval ? startOf(interval, moment, timeZone) : moment;
    });
}

export function aRangeIn(
  timeZone = 'UTC',
  mostDays = 800,
): fc.Arbitrary<Required<Pick<Question, 'from' | 'to'>>> {
  const written = fc.constantFrom<((at: number) => Date | string)[]>(
    (at) => new Date(at),
    (at) => new Date(at).toISOString(),
    (at) => new Date(at).toISOString().slice(0, -1),
    (at) => isoOf(at, timeZone),
  );
  const all = fc.constant<[number, number]>([Date.UTC(2024, 0, 1), Date.UTC(2026, 0, 1)]);
  const two = fc
    .tuple(aMomentIn(timeZone), aMomentIn(timeZone))
    .map(([a, b]): [number, number] => (a === b ? [a, a + HOUR] : [Math.min(a, b), Math.max(a, b)]));
  return fc
    .tuple(fc.oneof({ weight: 4, arbitrary: two }, all), written, written)
    .map(([[from, to], a, b]) => ({
      from: a(from),
      to: b(Math.min(to, from + mostDays * DAY)),
    }));
}

export function aQuestion(mostDays?: number): fc.Arbitrary<Question> {
  return fc
    .option(fc.constantFrom(...ZONES), { nil: undefined })
    .chain((timeZone) =>
      fc
        .tuple(aFilter, aRangeIn(timeZone, mostDays))
        .map(([filter, range]) => ({ ...filter, ...range, timeZone })),
    );
}
