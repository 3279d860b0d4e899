import type { Properties } from '../../../activity/activity.js';
import { ActivityMaker, type Browser, normalizeDevice, normalizeName, UTM, type Utm } from './activity.js';
import type { OnLoss, SourceRow } from './source-row.js';
import { hasAll, type Source } from './source.js';

const EVENT_TYPES = new Map([
  [1, 'view'],
  [3, 'link'],
  [4, 'pixel'],
]);
/** The event type of page load measurements. */
const PERFORMANCE = 5;

/** Values of `data_type`. */
const NUMBER = 2;
const BOOLEAN = 3;
const DATE = 4;
const ARRAY = 5;

/** Umami: its tables, or those of its ClickHouse, in which events contain the columns of sessions. */
export function umami(onLoss: OnLoss): Source {
  const maker = new ActivityMaker('umami', onLoss);
  const sessions = new Map<string, { browser: Browser; user: string | undefined }>();
  const properties = new Map<string, Properties>();
  return {
    name: 'Umami',
    tables: [
      {
        name: 'sums of its dashboard',
        matches: (columns) => columns.size === 2 && hasAll('x', 'y')(columns),
        refusal:
          "it is a dashboard export with totals only; export the tables website_event, session and event_data from Umami's database instead",
        read: () => [],
      },
      {
        name: 'event_data',
        matches: (columns) =>
          columns.has('data_key') && (columns.has('website_event_id') || columns.has('event_id')),
        read: (row) => {
          row.ignore(
            'event_data_id',
            'website_id',
            'session_id',
            'url_path',
            'event_name',
            'created_at',
            'job_id',
          );
          const event = row.text('website_event_id') ?? row.text('event_id') ?? '';
          const known = properties.get(event) ?? {};
          properties.set(event, { ...known, [row.text('data_key') ?? '']: readValue(row) });
          return [];
        },
      },
      {
        name: 'session',
        matches: (columns) => hasAll('session_id', 'browser', 'os')(columns) && !columns.has('event_id'),
        read: (row) => {
          row.ignore('website_id', 'created_at');
          sessions.set(row.text('session_id') ?? '', {
            browser: readBrowser(row),
            user: row.text('distinct_id'),
          });
          return [];
        },
      },
      {
        name: 'website_event',
        matches: hasAll('event_id', 'session_id', 'visit_id', 'url_path'),
        read: (row) => {
          row.ignore('website_id', 'job_id');
          const type = row.number('event_type') ?? 1;
          const eventName = row.text('event_name');
          if (type === PERFORMANCE) {
            onLoss('measurement of performance');
            return [];
          }
          const id = row.text('event_id') ?? '';
          const session = row.text('session_id') ?? '';
          const known = sessions.get(session);
          const query = row.text('url_query');
          const own = readBrowser(row);
          const user = row.text('distinct_id');
          return [
            maker.make({
              id,
              date: row.text('created_at') ?? '',
              name: eventName ?? EVENT_TYPES.get(type) ?? 'event',
              url: (row.text('url_path') ?? '') + (query ? `?${query.replace(/^\?/, '')}` : ''),
              properties: properties.get(id),
              user: user ?? known?.user,
              session,
              visit: row.text('visit_id'),
              browser: known?.browser ?? own,
              referrer: readReferrer(row),
              utm: readUtm(row),
              host: row.text('hostname'),
            }),
          ];
        },
      },
      {
        name: 'session_data',
        matches: hasAll('data_key', 'session_id'),
        read: () => {
          onLoss('property of a session');
          return [];
        },
      },
    ],
  };
}

export function readUtm(row: SourceRow): Utm {
  return Object.fromEntries(UTM.map((name) => [name, row.text(name)]));
}

function readBrowser(row: SourceRow): Browser {
  return {
    browser: normalizeName(row.text('browser')),
    system: normalizeName(row.text('os')),
    device: normalizeDevice(row.text('device')),
    country: row.text('country'),
    language: row.text('language'),
  };
}

function readReferrer(row: SourceRow): string | undefined {
  const domain = row.text('referrer_domain');
  const path = row.text('referrer_path') ?? '/';
  const query = row.text('referrer_query');
  return domain && `https://${domain}${path}${query ? `?${query}` : ''}`;
}

function readValue(row: SourceRow): unknown {
  const text = row.text('string_value');
  const number = row.number('number_value');
  const date = row.text('date_value');
  switch (row.number('data_type')) {
    case NUMBER:
      return number;
    case BOOLEAN:
      return text === 'true';
    case DATE:
      return date ?? text;
    case ARRAY:
      return row.json('string_value');
    default:
      return text ?? number ?? date;
  }
}
