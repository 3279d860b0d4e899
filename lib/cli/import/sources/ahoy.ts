import type { Properties } from '../../../activity/activity.js';
import {
  ActivityMaker,
  type Browser,
  normalizeDevice,
  normalizeName,
  type Utm,
  parseHost,
} from './activity.js';
import { hasAll, type Source } from './source.js';
import type { OnLoss } from './source-row.js';
import { readUtm } from './umami.js';

interface Visit {
  date: string;
  visit: string;
  session: string | undefined;
  user: string | undefined;
  ip: string | undefined;
  browser: Browser;
  referrer: string | undefined;
  landing: string;
  utm: Utm;
}

/** Events that ahoy.js tracks automatically. */
const NAMES = new Map([
  ['$view', 'view'],
  ['$click', 'click'],
  ['$submit', 'submit'],
]);

/** ahoy: its tables `ahoy_visits` and `ahoy_events`. A visit without events becomes a view of its landing page. */
export function ahoy(onLoss: OnLoss): Source {
  const maker = new ActivityMaker('ahoy', onLoss);
  const visits = new Map<string, Visit>();
  const withoutEvents = new Set<string>();
  return {
    name: 'ahoy',
    tables: [
      {
        name: 'ahoy_visits',
        matches: hasAll('visit_token', 'started_at'),
        read: (row) => {
          const id = row.text('id') ?? '';
          row.ignore('referring_domain');
          const browser = {
            browser: normalizeName(row.text('browser')),
            system: normalizeName(row.text('os')),
            device: normalizeDevice(row.text('device_type')),
          };
          const country = row.text('country');
          const userAgent = row.text('user_agent');
          const token = row.text('visit_token') ?? id;
          visits.set(id, {
            date: row.text('started_at') ?? '',
            visit: token,
            session: row.text('visitor_token') ?? token,
            user: row.text('user_id'),
            ip: row.text('ip'),
            browser: { ...(userAgent === undefined ? browser : { userAgent }), country },
            referrer: row.text('referrer'),
            landing: row.text('landing_page') ?? '/',
            utm: readUtm(row),
          });
          withoutEvents.add(id);
          return [];
        },
      },
      {
        name: 'ahoy_events',
        matches: hasAll('visit_id', 'name', 'time'),
        read: (row) => {
          const visitId = row.text('visit_id');
          const visit = visitId === undefined ? undefined : visits.get(visitId);
          if (visitId !== undefined && !visit) throw new Error(`visit ${visitId} is in none of the files`);
          if (visitId !== undefined) withoutEvents.delete(visitId);
          const event = row.text('name') ?? '';
          const given = row.object('properties');
          const { url, page, title, ...properties }: Properties = given;
          const isView = event === '$view';
          if (isView && title !== undefined) onLoss('title of a page');
          const path = [url, page].find((each): each is string => typeof each === 'string' && each !== '');
          const landing = visit?.landing ?? '/';
          return [
            maker.make({
              ...visit,
              id: ['event', row.text('id')],
              date: row.text('time') ?? '',
              name: NAMES.get(event) ?? event,
              url: path ?? landing,
              properties: isView ? properties : given,
              user: row.text('user_id') ?? visit?.user,
              host: parseHost(landing),
            }),
          ];
        },
      },
    ],
    *end() {
      for (const id of withoutEvents) {
        const visit = visits.get(id);
        if (visit)
          yield maker.make({
            ...visit,
            id: ['visit', visit.visit],
            name: 'view',
            url: visit.landing,
            host: parseHost(visit.landing),
          });
      }
    },
  };
}
