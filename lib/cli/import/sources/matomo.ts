import { isIP } from 'node:net';
import type { Properties } from '../../../activity/activity.js';
import { parseLanguage } from '../../../activity/language.js';
import { isObject } from '../../../activity/properties.js';
import {
  ActivityMaker,
  type Browser,
  normalizeDevice,
  normalizeName,
  type Utm,
  parseHost,
} from './activity.js';
import { type OnLoss, SourceRow } from './source-row.js';
import { hasAll, type Source } from './source.js';

/** Values of `log_action.type`. */
const OUTLINK = 2;
const DOWNLOAD = 3;
const SEARCH = 8;
const FIRST_OF_CONTENT = 13;
/** Indexed by `log_action.url_prefix`. */
const PREFIXES = ['http://', 'http://www.', 'https://', 'https://www.'];
/** Indexed by `config_device_type`. */
const DEVICES = [
  'desktop',
  'mobile',
  'tablet',
  'mobile',
  'tv',
  'tv',
  'tv',
  'tv',
  'mobile',
  'mobile',
  'mobile',
];
/** Values of `referer_type`. */
const CAMPAIGN = 6;

interface Action {
  name: string;
  type: number;
}

interface Visit {
  visit: string;
  session: string | undefined;
  user: string | undefined;
  ip: string | undefined;
  browser: Browser;
  referrer: string | undefined;
  utm: Utm;
}

/** Names for the types of actions in Matomo's API. */
const NAMES_OF_TYPES = new Map([
  ['action', 'view'],
  ['outlink', 'outbound'],
  ['goal', 'goal'],
]);

/**
 * Matomo: its tables `log_visit`, `log_link_visit_action` and `log_action`, or the answer of its API's
 * `Live.getLastVisitsDetails`.
 */
export function matomo(onLoss: OnLoss): Source {
  const maker = new ActivityMaker('matomo', onLoss);
  const actions = new Map<string, Action>();
  const visits = new Map<string, Visit>();
  const findAction = (row: SourceRow, column: string): Action | undefined =>
    actions.get(row.text(column) ?? '');
  return {
    name: 'Matomo',
    tables: [
      {
        name: 'log_action',
        matches: hasAll('idaction', 'name', 'type'),
        read: (row) => {
          row.ignore('hash');
          const prefix = row.number('url_prefix');
          const name = (prefix === undefined ? '' : (PREFIXES[prefix] ?? '')) + (row.text('name') ?? '');
          actions.set(row.text('idaction') ?? '', { name, type: row.number('type') ?? 0 });
          return [];
        },
      },
      {
        name: 'log_visit',
        matches: hasAll('idvisit', 'visit_first_action_time'),
        read: (row) => {
          row.ignore(
            'idsite',
            'config_id',
            'visit_first_action_time',
            'visit_last_action_time',
            'profilable',
          );
          row.ignore('referer_name', 'referer_keyword', 'visitor_localtime', 'visitor_returning');
          // Derived from the actions.
          row.ignore(...row.namesLike(/^visit_(total|entry|exit|goal)|^visitor_(count|days|seconds)/));
          const id = row.text('idvisit') ?? '';
          const device = row.number('config_device_type');
          visits.set(id, {
            visit: id,
            session: row.text('idvisitor')?.toLowerCase(),
            user: row.text('user_id'),
            ip: parseIp(row.text('location_ip')),
            browser: {
              browser: normalizeName(row.text('config_browser_name')),
              system: normalizeName(row.text('config_os')),
              device: device === undefined ? undefined : DEVICES[device],
              country: row.text('location_country'),
              language: parseLanguage(row.text('location_browser_lang')) ?? undefined,
            },
            referrer: row.text('referer_url'),
            utm: readUtm(row),
          });
          return [];
        },
      },
      {
        name: 'log_link_visit_action',
        matches: hasAll('idlink_va', 'idvisit', 'server_time'),
        read: (row) => {
          row.ignore('idsite', 'idvisitor', 'idpageview', 'pageview_position', 'idaction_name_ref');
          row.ignore(...row.namesLike(/^time_|interaction_position/));
          const id = row.text('idvisit') ?? '';
          const visit = visits.get(id);
          if (!visit) throw new Error(`visit ${id} is in none of the files`);
          const url = findAction(row, 'idaction_url');
          const named = findAction(row, 'idaction_name');
          const from = findAction(row, 'idaction_url_ref');
          const category = findAction(row, 'idaction_event_category');
          const type = url?.type ?? named?.type ?? 0;
          const key = ['action', row.text('idlink_va')];
          const date = row.text('server_time') ?? '';
          const value = row.number('custom_float');
          const dimensions = row
            .namesLike(/^custom_dimension_\d+$/)
            .map((name) => [name, row.text(name)] as const);
          const at = { ...visit, id: key, date, host: parseHost(url?.name ?? from?.name) };
          const own: Properties = Object.fromEntries(dimensions);
          if (row.namesLike(/^idaction_content/).length > 0 || type >= FIRST_OF_CONTENT) {
            onLoss('content impression or interaction');
            return [];
          }
          if (category) {
            const action = findAction(row, 'idaction_event_action')?.name;
            const properties = { category: category.name, action, name: named?.name, value, ...own };
            return [
              maker.make({
                ...at,
                name: action ?? 'event',
                url: url?.name ?? from?.name ?? '/',
                properties,
              }),
            ];
          }
          if (type === OUTLINK || type === DOWNLOAD) {
            const name = type === OUTLINK ? 'outbound' : 'download';
            const properties = { url: url?.name, ...own };
            return [
              maker.make({ ...at, host: parseHost(from?.name), name, url: from?.name ?? '/', properties }),
            ];
          }
          if (type === SEARCH || named?.type === SEARCH) {
            const properties = {
              keyword: named?.name,
              category: row.text('search_cat'),
              count: row.number('search_count'),
              ...own,
            };
            return [maker.make({ ...at, name: 'search', url: url?.name ?? from?.name ?? '/', properties })];
          }
          if (named) onLoss('title of a page');
          return [maker.make({ ...at, name: 'view', url: url?.name ?? '/', properties: own })];
        },
      },
      {
        name: 'Live.getLastVisitsDetails',
        matches: hasAll('idVisit', 'actionDetails'),
        read: (row) => readLiveVisit(row, maker, onLoss),
      },
    ],
  };
}

function readLiveVisit(row: SourceRow, maker: ActivityMaker, onLoss: OnLoss): Properties[] {
  // Formatted for people, or derived from the actions.
  row.ignore(
    ...row.namesLike(
      /Icon|Pretty|Timestamp|Flag$|^(country|language|continent)|^referrer|^visit(or)?[A-Z]|^browser|^operatingSystem|^device/,
    ),
  );
  row.ignore(
    ...row.namesLike(/^(idSite|siteName|siteCurrency|siteCurrencySymbol|fingerprint|serverDate|actions)$/),
  );
  row.ignore(
    ...row.namesLike(/^(events|searches|interactions|goalConversions|experiments|daysSince|secondsSince)/),
  );
  const id = row.text('idVisit') ?? '';
  const isCampaign = row.text('referrerType') === 'campaign';
  const visit: Visit = {
    visit: id,
    session: row.text('visitorId')?.toLowerCase(),
    user: row.text('userId'),
    ip: row.text('visitIp'),
    browser: {
      browser: normalizeName(row.text('browserName')),
      system: normalizeName(row.text('operatingSystemName') ?? row.text('operatingSystem')),
      device: normalizeDevice(row.text('deviceType')),
      country: row.text('countryCode') ?? row.text('country'),
      language: parseLanguage(row.text('languageCode')) ?? undefined,
    },
    referrer: row.text('referrerUrl'),
    utm: isCampaign ? { utm_campaign: row.text('referrerName'), utm_term: row.text('referrerKeyword') } : {},
  };
  const list = row.json('actionDetails');
  const actions = Array.isArray(list) ? list.filter(isObject) : [];
  let page = '/';
  return actions.flatMap((item, i) => {
    const action = new SourceRow(item, onLoss);
    const type = action.text('type') ?? '';
    const url = action.text('url');
    const seconds = action.number('timestamp');
    if (seconds === undefined) {
      onLoss(`action of a visit without a timestamp (${type})`);
      return [];
    }
    const isPage = type !== 'outlink' && type !== 'download';
    if (isPage && url !== undefined) page = url;
    if (type === 'action' && action.text('pageTitle') !== undefined) onLoss('title of a page');
    const dimensions = action
      .namesLike(/^dimension\d+$/)
      .map((name) => [name.replace('dimension', 'custom_dimension_'), action.text(name)] as const);
    const properties: Properties = {
      ...(isPage ? {} : { url }),
      category: action.text('eventCategory') ?? action.text('siteSearchCategory'),
      action: action.text('eventAction'),
      name: action.text('eventName') ?? action.text('goalName'),
      value: action.number('eventValue'),
      keyword: action.text('siteSearchKeyword'),
      count: action.number('siteSearchCount'),
      revenue: action.number('revenue'),
      ...Object.fromEntries(dimensions),
    };
    const eventName = type === 'event' ? action.text('eventAction') : undefined;
    return [
      maker.make({
        ...visit,
        // The ids are equal to those in Matomo's tables.
        id: type !== 'goal' && action.text('pageId') ? ['action', action.text('pageId')] : ['live', id, i],
        date: new Date(seconds * 1000).toISOString(),
        name: eventName ?? NAMES_OF_TYPES.get(type) ?? type,
        url: page,
        properties,
        host: parseHost(page),
      }),
    ];
  });
}

function readUtm(row: SourceRow): Utm {
  const isCampaign = row.number('referer_type') === CAMPAIGN;
  return {
    utm_source: row.text('campaign_source'),
    utm_medium: row.text('campaign_medium'),
    utm_campaign: row.text('campaign_name') ?? (isCampaign ? row.text('referer_name') : undefined),
    utm_term: row.text('campaign_keyword') ?? (isCampaign ? row.text('referer_keyword') : undefined),
    utm_content: row.text('campaign_content'),
  };
}

/** Also parses the format of `HEX(location_ip)`. */
function parseIp(text: string | undefined): string | undefined {
  if (text === undefined || isIP(text)) return text;
  const hex = /^(?:0x)?([\da-f]{8}|[\da-f]{32})$/i.exec(text)?.[1];
  if (!hex) return text;
  return hex.length === 8 ? [...Buffer.from(hex, 'hex')].join('.') : (hex.match(/.{4}/g)?.join(':') ?? text);
}
