import type { Properties } from '../../../activity/activity.js';
import { ActivityMaker, normalizeDevice, normalizeName } from './activity.js';
import type { OnLoss, SourceRow } from './source-row.js';
import { hasAll, type Source } from './source.js';
import { readUtm } from './umami.js';

/** The value of `scroll_depth` that means: not measured. */
const NO_SCROLL = 255;

/** Plausible: the tables `events_v2` and `sessions_v2` of its ClickHouse. */
export function plausible(onLoss: OnLoss): Source {
  const maker = new ActivityMaker('plausible', onLoss);
  return {
    name: 'Plausible',
    beginFile: () => maker.beginFile(),
    tables: [
      {
        name: 'sums of its dashboard',
        matches: (columns) => columns.has('visitors') && !columns.has('session_id'),
        refusal:
          "it is a dashboard export with totals only; export the table events_v2 from Plausible's ClickHouse instead",
        read: () => [],
      },
      {
        name: 'sessions_v2',
        matches: hasAll('session_id', 'entry_page'),
        // Events contain everything that is stored of their session.
        read: (row) => {
          row.ignore(...row.namesLike(/./));
          return [];
        },
      },
      {
        name: 'events_v2',
        matches: hasAll('name', 'timestamp', 'pathname', 'session_id', 'user_id'),
        read: (row) => {
          row.ignore('site_id', 'referrer_source', 'acquisition_channel', 'click_id_param');
          const referrer = row.text('referrer');
          const event = row.text('name') ?? '';
          const activity = {
            date: row.text('timestamp') ?? '',
            name: event === 'pageview' ? 'view' : event,
            url: row.text('pathname') ?? '',
            session: row.text('user_id'),
            visit: row.text('session_id'),
            properties: readProperties(row, event),
          };
          return [
            maker.make({
              id: maker.buildKey(activity),
              ...activity,
              browser: {
                browser: normalizeName(row.text('browser')),
                system: normalizeName(row.text('operating_system')),
                device: normalizeDevice(row.text('screen_size')),
                country: row.text('country_code'),
              },
              referrer: referrer && (/^[a-z-]+:/i.test(referrer) ? referrer : `https://${referrer}`),
              utm: readUtm(row),
              host: row.text('hostname'),
            }),
          ];
        },
      },
    ],
  };
}

function readProperties(row: SourceRow, event: string): Properties {
  const keys = parseList(row.value('meta.key'));
  const values = parseList(row.value('meta.value'));
  const scroll = row.number('scroll_depth') ?? NO_SCROLL;
  const visible = row.number('engagement_time');
  const currency = row.text('revenue_source_currency')?.replaceAll('\0', '');
  const revenue = row.number('revenue_source_amount');
  row.ignore('revenue_reporting_amount', 'revenue_reporting_currency');
  return {
    ...Object.fromEntries(keys.map((key, i) => [key, values[i]])),
    ...(event === 'engagement' && {
      ...(visible !== undefined && { visible }),
      ...(scroll !== NO_SCROLL && { scroll }),
    }),
    ...(revenue !== undefined && currency && { revenue, currency }),
  };
}

/** Parses an array, also as ClickHouse writes it in CSV: `['a','it\'s']`. */
function parseList(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'string') return [];
  return [...value.matchAll(/'((?:[^'\\]|\\.)*)'/gs)].map(([, text = '']) =>
    text.replaceAll(/\\(.)/gs, '$1'),
  );
}
