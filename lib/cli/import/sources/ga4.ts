import type { Properties } from '../../../activity/activity.js';
import { isObject } from '../../../activity/properties.js';
import { ActivityMaker, normalizeDevice, normalizeName, parseHost } from './activity.js';
import { hasAll, type Source } from './source.js';
import type { OnLoss } from './source-row.js';

/** Events that GA4 adds to the first event of a visit or a visitor. */
const MARKS = new Set(['session_start', 'first_visit', 'first_open']);
const NAMES = new Map([
  ['page_view', 'view'],
  ['screen_view', 'view'],
  ['user_engagement', 'engagement'],
]);
/** Parameters that are internal to GA4, or that are stored in columns. */
const DERIVED =
  /^(ga_session_id|ga_session_number|session_engaged|engaged_session_(count|event)|entrances|page_(location|referrer|title|path)|batch_(page_id|ordering_id)|engagement_time_msec|debug_mode|ignore_referrer|(manual_)?(campaign|source|medium|term|content)|(firebase_)?(screen|previous)_\w*|firebase_event_origin)$/;

/** Google Analytics 4: the rows of `events_*` that it exports to BigQuery, as NDJSON or JSON. */
export function ga4(onLoss: OnLoss): Source {
  const maker = new ActivityMaker('ga4', onLoss);
  return {
    name: 'Google Analytics 4',
    beginFile: () => maker.beginFile(),
    tables: [
      {
        name: 'events',
        matches: hasAll('event_name', 'event_timestamp'),
        read: (row) => {
          row.ignore(
            ...row.namesLike(
              /^(event_(date|previous_timestamp|bundle_sequence_id|server_timestamp_offset)|batch_)/,
            ),
            ...row.namesLike(/^(platform|stream_id|is_active_user|user_first_touch_timestamp|privacy_info)$/),
            // The first source of the visitor; Djaffar stores the source of each visit.
            ...row.namesLike(/^(traffic_source|session_traffic_source_last_click)$/),
          );
          const event = row.text('event_name') ?? '';
          if (MARKS.has(event)) {
            row.ignore(...row.namesLike(/./));
            return [];
          }
          const parameters = toProperties(row.json('event_params'));
          const text = (name: string): string | undefined => {
            const value = parameters[name];
            return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
          };
          const location = text('page_location');
          const session = row.text('user_pseudo_id');
          const visit = text('ga_session_id');
          const device = row.inner('device');
          const web = device.inner('web_info');
          const geo = row.inner('geo');
          geo.ignore('continent', 'sub_continent', 'metro');
          const country = geo.text('country');
          geo.end();
          const source = row.inner('collected_traffic_source');
          if (text('page_title') !== undefined) onLoss('title of a page');
          const visible = text('engagement_time_msec');
          const kept = Object.entries(parameters).filter(([name]) => !DERIVED.test(name));
          const micros = row.text('event_timestamp') ?? '';
          const url =
            location ??
            text('page_path') ??
            `/${text('firebase_screen') ?? text('firebase_screen_class') ?? ''}`;
          return [
            maker.make({
              id: maker.buildKey(micros, event, session, visit, parameters),
              date: parseDate(micros),
              name: NAMES.get(event) ?? event,
              url,
              properties: {
                ...Object.fromEntries(kept),
                ...(event === 'user_engagement' && visible !== undefined && { visible: Number(visible) }),
              },
              user: row.text('user_id'),
              session,
              visit: visit === undefined ? undefined : `${session}\n${visit}`,
              browser: {
                browser: normalizeName(web.text('browser') ?? device.text('browser')),
                system: normalizeName(device.text('operating_system')),
                device: normalizeDevice(device.text('category')),
                country,
                language: device.text('language'),
              },
              referrer: text('page_referrer'),
              utm: {
                utm_source: source.text('manual_source') ?? text('source'),
                utm_medium: source.text('manual_medium') ?? text('medium'),
                utm_campaign: source.text('manual_campaign_name') ?? text('campaign'),
                utm_term: source.text('manual_term') ?? text('term'),
                utm_content: source.text('manual_content') ?? text('content'),
              },
              host: web.text('hostname') ?? parseHost(location),
            }),
          ];
        },
      },
    ],
  };
}

function toProperties(list: unknown): Properties {
  const entries = (Array.isArray(list) ? list : []).filter(isObject).map(({ key, value }) => {
    const [found] = isObject(value) ? Object.values(value).filter((each) => each !== null) : [];
    const isInteger = isObject(value) && (value.int_value ?? null) !== null;
    const number = Number(found);
    return [String(key), isInteger && Number.isSafeInteger(number) ? number : found] as const;
  });
  return Object.fromEntries(entries);
}

/** @param micros microseconds since 1970 */
function parseDate(micros: string): string {
  const date = new Date(Math.floor(Number(micros) / 1000));
  if (!/^\d+$/.test(micros) || Number.isNaN(date.getTime()))
    throw new Error('event_timestamp must be microseconds since 1970');
  return date.toISOString();
}
