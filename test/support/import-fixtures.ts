/** Exports of other tools, written by hand from their published schemas. */
import { gzipSync } from 'node:zlib';

/** Contents of files by their names. */
export type Files = Record<string, string | Buffer>;

type Cell = string | number | null;

/** A row by the names of its columns; missing ones are empty. */
type Row = Record<string, Cell>;

export function csv(columns: string, rows: Cell[][]): string {
  const cell = (value: Cell): string => (value === null ? '' : `"${String(value).replaceAll('"', '""')}"`);
  return [columns, ...rows.map((row) => row.map(cell).join(','))].join('\n') + '\n';
}

function tsv(columns: string, rows: Cell[][]): string {
  return [columns, ...rows.map((row) => row.map((cell) => cell ?? 'NULL').join(','))]
    .join('\n')
    .replaceAll(',', '\t');
}

/** Returns the cells of the columns, which are separated by commas. */
function cellsOf(columns: string, rows: Row[]): Cell[][] {
  return rows.map((row) => columns.split(',').map((column) => row[column] ?? null));
}

const SITE = '11111111-1111-4111-8111-111111111111';
const uuid = (kind: number, number: number): string =>
  `${kind}0000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

const UMAMI_EVENT =
  'event_id,website_id,session_id,visit_id,created_at,url_path,url_query,utm_source,referrer_path,referrer_query,referrer_domain,page_title,event_type,event_name,tag,hostname';
const UMAMI_SESSION =
  'session_id,website_id,browser,os,device,screen,language,country,region,city,distinct_id,created_at';

function umamiEvent(event: number, session: number, visit: number, time: string, others: Row): Row {
  return {
    event_id: uuid(1, event),
    website_id: SITE,
    session_id: uuid(2, session),
    visit_id: uuid(3, visit),
    created_at: `2026-03-01 ${time}+00`,
    event_type: 1,
    hostname: 'shop.example',
    ...others,
  };
}

/** Three visits of two sessions, one of them identified. */
export const UMAMI: Files = {
  'event_data.csv': csv(
    'event_data_id,website_id,website_event_id,data_key,string_value,number_value,date_value,data_type,created_at',
    [
      [uuid(5, 1), SITE, uuid(1, 3), 'plan', 'pro', null, null, 1, '2026-03-01 09:02:00+00'],
      [uuid(5, 2), SITE, uuid(1, 3), 'seats', null, '3.0000', null, 2, '2026-03-01 09:02:00+00'],
      [uuid(5, 3), SITE, uuid(1, 3), 'trial', 'true', null, null, 3, '2026-03-01 09:02:00+00'],
    ],
  ),
  'website_event.csv': csv(
    UMAMI_EVENT,
    cellsOf(UMAMI_EVENT, [
      umamiEvent(1, 1, 1, '09:00:00.123', {
        url_path: '/',
        url_query: 'utm_source=mail&utm_medium=email',
        utm_source: 'mail',
        referrer_path: '/search',
        referrer_query: 'q=a',
        referrer_domain: 'duckduckgo.com',
        page_title: 'Home',
      }),
      umamiEvent(2, 1, 1, '09:01:00', {
        url_path: '/pricing',
        referrer_path: '/',
        referrer_domain: 'shop.example',
        page_title: 'Pricing',
      }),
      umamiEvent(3, 1, 1, '09:02:00', { url_path: '/pricing', event_type: 2, event_name: 'bought' }),
      umamiEvent(4, 1, 2, '12:00:00', { url_path: '/', page_title: 'Home' }),
      umamiEvent(5, 2, 3, '10:00:00', {
        url_path: '/docs',
        referrer_path: '/',
        referrer_domain: 'bücher.example',
        page_title: 'Docs',
      }),
    ]),
  ),
  'session.csv': csv(
    UMAMI_SESSION,
    cellsOf(UMAMI_SESSION, [
      {
        session_id: uuid(2, 1),
        website_id: SITE,
        browser: 'chrome',
        os: 'Windows 10',
        device: 'laptop',
        screen: '1920x1080',
        language: 'de-DE',
        country: 'DE',
        region: 'DE-BE',
        city: 'Berlin',
        distinct_id: '17',
        created_at: '2026-03-01 09:00:00+00',
      },
      {
        session_id: uuid(2, 2),
        website_id: SITE,
        browser: 'ios',
        os: 'iOS',
        device: 'mobile',
        screen: '390x844',
        language: 'fr-FR',
        country: 'FR',
        created_at: '2026-03-01 10:00:00+00',
      },
    ]),
  ),
};

const PLAUSIBLE_EVENT =
  'name,site_id,hostname,pathname,user_id,session_id,timestamp,meta.key,meta.value,scroll_depth,engagement_time,revenue_source_amount,revenue_source_currency,referrer,referrer_source,utm_medium,utm_source,utm_campaign,country_code,screen_size,operating_system,browser,browser_version';

const PLAUSIBLE_MAC: Row = {
  user_id: '71',
  country_code: 'DE',
  screen_size: 'Desktop',
  operating_system: 'Mac',
  browser: 'Safari',
  browser_version: '17',
};
const PLAUSIBLE_PHONE: Row = {
  user_id: '72',
  country_code: 'FR',
  screen_size: 'Mobile',
  operating_system: 'Android',
  browser: 'Chrome',
  browser_version: '120',
};
const PLAUSIBLE_SOURCE: Row = {
  session_id: '901',
  referrer: 'duckduckgo.com',
  referrer_source: 'DuckDuckGo',
  utm_medium: 'email',
  utm_source: 'mail',
  utm_campaign: 'spring',
};

function plausibleEvent(name: string, pathname: string, time: string, ...others: Row[]): Row {
  return {
    name,
    site_id: 1,
    hostname: 'shop.example',
    pathname,
    timestamp: `2026-03-01 ${time}`,
    'meta.key': '[]',
    'meta.value': '[]',
    scroll_depth: 255,
    engagement_time: 0,
    referrer: '',
    referrer_source: '',
    utm_medium: '',
    utm_source: '',
    utm_campaign: '',
    ...Object.assign({}, ...others),
  };
}

/** Three visits of two visitors; two events of the same second are equal. */
export const PLAUSIBLE: Files = {
  'sessions_v2.csv': csv('session_id,sign,site_id,user_id,entry_page,exit_page,start', [
    ['901', 1, 1, '71', '/', '/pricing', '2026-03-01 09:00:00'],
  ]),
  'events_v2.csv.gz': gzipSync(
    csv(
      PLAUSIBLE_EVENT,
      cellsOf(PLAUSIBLE_EVENT, [
        // The order of the primary key is not that of time.
        plausibleEvent('bought', '/pricing', '09:02:00', PLAUSIBLE_MAC, PLAUSIBLE_SOURCE, {
          'meta.key': "['plan','note']",
          'meta.value': "['pro','it\\'s']",
          revenue_source_amount: '19.99',
          revenue_source_currency: 'EUR',
        }),
        plausibleEvent('engagement', '/', '09:01:00', PLAUSIBLE_MAC, PLAUSIBLE_SOURCE, {
          scroll_depth: 80,
          engagement_time: 60_000,
        }),
        plausibleEvent('pageview', '/', '09:00:00', PLAUSIBLE_MAC, PLAUSIBLE_SOURCE),
        plausibleEvent('pageview', '/pricing', '09:01:00', PLAUSIBLE_MAC, PLAUSIBLE_SOURCE),
        plausibleEvent('pageview', '/', '12:00:00', PLAUSIBLE_MAC, { session_id: '902' }),
        plausibleEvent('pageview', '/docs', '10:00:00', PLAUSIBLE_PHONE, { session_id: '903' }),
        plausibleEvent('pageview', '/docs', '10:00:00', PLAUSIBLE_PHONE, { session_id: '903' }),
      ]),
    ),
  ),
};

const AHOY_VISIT =
  'id,visit_token,visitor_token,user_id,ip,user_agent,referrer,referring_domain,landing_page,browser,os,device_type,country,utm_source,utm_medium,started_at';

/** Three visits of two visitors; one without events. */
export const AHOY: Files = {
  'ahoy_events.csv': csv('id,visit_id,user_id,name,properties,time', [
    [
      1,
      1,
      null,
      '$view',
      '{"url":"https://shop.example/?utm_source=mail","page":"/","title":"Home"}',
      '2026-03-01 09:00:01.5',
    ],
    [2, 1, 17, 'Ordered', '{"plan":"pro","url":"https://shop.example/pricing"}', '2026-03-01 09:02:00'],
    [3, 2, 17, '$view', '{"page":"/account"}', '2026-03-01 12:00:00'],
    [4, null, 18, 'Invoiced', '{}', '2026-03-01 13:00:00'],
  ]),
  'ahoy_visits.csv': csv(
    AHOY_VISIT,
    cellsOf(AHOY_VISIT, [
      {
        id: 1,
        visit_token: 'va',
        visitor_token: 'a',
        user_id: 17,
        ip: '192.0.2.7',
        user_agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
        referrer: 'https://duckduckgo.com/',
        referring_domain: 'duckduckgo.com',
        landing_page: 'https://shop.example/?utm_source=mail',
        browser: 'Firefox',
        os: 'Linux',
        device_type: 'Desktop',
        country: 'DE',
        utm_source: 'mail',
        utm_medium: 'email',
        started_at: '2026-03-01 09:00:00',
      },
      {
        id: 2,
        visit_token: 'vb',
        visitor_token: 'a',
        user_id: 17,
        ip: '192.0.2.7',
        landing_page: 'https://shop.example/account',
        browser: 'Firefox',
        os: 'GNU/Linux',
        device_type: 'Desktop',
        country: 'DE',
        started_at: '2026-03-01 12:00:00',
      },
      {
        id: 3,
        visit_token: 'vc',
        visitor_token: 'b',
        ip: '192.0.2.8',
        user_agent:
          'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1',
        referrer: 'https://www.bing.com/',
        referring_domain: 'bing.com',
        landing_page: 'https://shop.example/docs',
        browser: 'Mobile Safari',
        os: 'iOS',
        device_type: 'Mobile',
        country: 'FR',
        started_at: '2026-03-01 10:00:00',
      },
    ]),
  ),
};

const MATOMO_VISIT =
  'idvisit,idsite,idvisitor,visit_first_action_time,visit_last_action_time,user_id,referer_type,referer_url,referer_name,referer_keyword,config_browser_name,config_os,config_device_type,location_ip,location_country,visit_total_actions';

/** Two visits of two visitors, as a client of MariaDB writes them. */
export const MATOMO: Files = {
  'log_link_visit_action.tsv': tsv(
    'idlink_va,idsite,idvisitor,idvisit,server_time,idaction_url,idaction_name,idaction_url_ref,idaction_event_category,idaction_event_action,custom_float,search_cat,custom_dimension_1',
    [
      [1, 1, 'A1B2C3D4E5F60718', 1, '2026-03-01 09:00:00', 1, 4, 0, null, null, null, null, 'blue'],
      [2, 1, 'A1B2C3D4E5F60718', 1, '2026-03-01 09:01:00', 2, 5, 1, null, null, null, null, null],
      [3, 1, 'A1B2C3D4E5F60718', 1, '2026-03-01 09:02:00', 2, 8, 1, 6, 7, 9.5, null, null],
      [4, 1, 'A1B2C3D4E5F60718', 1, '2026-03-01 09:03:00', 3, null, 2, null, null, null, null, null],
      [5, 1, 'A1B2C3D4E5F60719', 2, '2026-03-01 10:00:00', 1, 4, 0, null, null, null, null, null],
      [6, 1, 'A1B2C3D4E5F60719', 2, '2026-03-01 10:01:00', null, 9, 1, null, null, null, 'books', null],
    ],
  ),
  'log_visit.tsv': tsv(
    MATOMO_VISIT,
    cellsOf(MATOMO_VISIT, [
      {
        idvisit: 1,
        idsite: 1,
        idvisitor: 'A1B2C3D4E5F60718',
        visit_first_action_time: '2026-03-01 09:00:00',
        visit_last_action_time: '2026-03-01 09:03:00',
        user_id: '17',
        referer_type: 6,
        referer_url: 'https://duckduckgo.com/',
        referer_name: 'spring',
        referer_keyword: 'shoes',
        config_browser_name: 'FF',
        config_os: 'LIN',
        config_device_type: 0,
        location_ip: 'C0000207',
        location_country: 'de',
        visit_total_actions: 4,
      },
      {
        idvisit: 2,
        idsite: 1,
        idvisitor: 'A1B2C3D4E5F60719',
        visit_first_action_time: '2026-03-01 10:00:00',
        visit_last_action_time: '2026-03-01 10:01:00',
        referer_type: 1,
        config_browser_name: 'CM',
        config_os: 'AND',
        config_device_type: 1,
        location_ip: '192.0.2.8',
        location_country: 'fr',
        visit_total_actions: 2,
      },
    ]),
  ),
  'log_action.tsv': tsv('idaction,name,hash,type,url_prefix', [
    [1, 'shop.example/', 1, 1, 2],
    [2, 'shop.example/pricing?a=1', 2, 1, 3],
    [3, 'other.example/', 3, 2, 2],
    [4, 'Home', 4, 4, null],
    [5, 'Pricing', 5, 4, null],
    [6, 'Plans', 6, 10, null],
    [7, 'bought', 7, 11, null],
    [8, 'pro', 8, 12, null],
    [9, 'shoes', 9, 8, null],
  ]),
};

const at = (time: string): number => Date.parse(`2026-03-01T${time}Z`) / 1000;

/** These visits in the format of the API. */
export const MATOMO_LIVE: Files = {
  'visits.json': JSON.stringify([
    {
      idSite: 1,
      idVisit: 2,
      visitIp: '192.0.2.8',
      visitorId: 'a1b2c3d4e5f60719',
      referrerType: 'direct',
      deviceType: 'Smartphone',
      browserName: 'Chrome Mobile',
      operatingSystemName: 'Android',
      country: 'France',
      actionDetails: [
        {
          type: 'action',
          url: 'https://shop.example/',
          pageTitle: 'Home',
          pageId: 5,
          timestamp: at('10:00:00'),
        },
        {
          type: 'search',
          url: null,
          siteSearchKeyword: 'shoes',
          siteSearchCategory: 'books',
          pageId: 6,
          timestamp: at('10:01:00'),
        },
      ],
    },
    {
      idSite: 1,
      idVisit: 1,
      visitIp: '192.0.2.7',
      visitorId: 'a1b2c3d4e5f60718',
      userId: '17',
      referrerType: 'campaign',
      referrerName: 'spring',
      referrerKeyword: 'shoes',
      referrerUrl: 'https://duckduckgo.com/',
      deviceType: 'Desktop',
      browserName: 'Firefox',
      operatingSystemName: 'GNU/Linux',
      country: 'Germany',
      actionDetails: [
        {
          type: 'action',
          url: 'https://shop.example/',
          pageTitle: 'Home',
          pageId: 1,
          timestamp: at('09:00:00'),
          dimension1: 'blue',
        },
        {
          type: 'action',
          url: 'https://www.shop.example/pricing?a=1',
          pageTitle: 'Pricing',
          pageId: 2,
          timestamp: at('09:01:00'),
        },
        {
          type: 'event',
          url: 'https://www.shop.example/pricing?a=1',
          eventCategory: 'Plans',
          eventAction: 'bought',
          eventName: 'pro',
          eventValue: 9.5,
          pageId: 3,
          timestamp: at('09:02:00'),
        },
        { type: 'outlink', url: 'https://other.example/', pageId: 4, timestamp: at('09:03:00') },
      ],
    },
  ]),
};

const parameter = (key: string, value: string | number): object => ({
  key,
  value: typeof value === 'number' ? { int_value: String(value) } : { string_value: value },
});

function ga4Event(
  time: string,
  event: string,
  visitor: string,
  visit: number,
  parameters: Record<string, string | number>,
  others: object = {},
): string {
  return `${JSON.stringify({
    event_date: '20260301',
    event_timestamp: String(at(time) * 1_000_000),
    event_name: event,
    event_params: [
      parameter('ga_session_id', visit),
      ...Object.entries(parameters).map(([key, value]) => parameter(key, value)),
    ],
    user_pseudo_id: visitor,
    device: {
      category: 'desktop',
      operating_system: 'Macintosh',
      language: 'de-de',
      web_info: { browser: 'Chrome', hostname: 'shop.example' },
    },
    geo: { continent: 'Europe', country: 'Germany', city: 'Bonn' },
    ...others,
  })}\n`;
}

/** Three visits of two visitors. */
export const GA4: Files = {
  'events.ndjson': [
    ga4Event('09:00:00', 'session_start', 'a.1', 100, {}),
    ga4Event('09:00:00', 'first_visit', 'a.1', 100, {}),
    ga4Event(
      '09:00:00',
      'page_view',
      'a.1',
      100,
      {
        page_location: 'https://shop.example/?utm_source=mail',
        page_referrer: 'https://duckduckgo.com/',
        page_title: 'Home',
      },
      { collected_traffic_source: { manual_source: 'mail', manual_medium: 'email' } },
    ),
    ga4Event('09:01:00', 'page_view', 'a.1', 100, {
      page_location: 'https://shop.example/pricing',
      page_referrer: 'https://shop.example/?utm_source=mail',
    }),
    ga4Event('09:01:30', 'user_engagement', 'a.1', 100, {
      page_location: 'https://shop.example/pricing',
      engagement_time_msec: 30_000,
    }),
    ga4Event(
      '09:02:00',
      'purchase',
      'a.1',
      100,
      { page_location: 'https://shop.example/pricing', plan: 'pro', quantity: 3 },
      { user_id: '17' },
    ),
    ga4Event(
      '12:00:00',
      'page_view',
      'a.1',
      200,
      { page_location: 'https://shop.example/' },
      { user_id: '17' },
    ),
    ga4Event('10:00:00', 'page_view', 'b.2', 100, { page_location: 'https://shop.example/docs' }),
  ].join(''),
};
