import type { Activity, Properties } from '../../activity/activity.js';
import type { Page } from '../../activity/pagination.js';
import { MAX_LANGUAGE } from '../../activity/language.js';
import { MAX_NAME, MAX_PATH, MAX_ROUTE } from '../../activity/new-activity.js';
import { MAX_SUBJECT } from '../../activity/subject.js';
import type { Session } from '../../activity/session.js';
import { array, component, dateTime, flag, freeForm, nullable, object, text } from './schema.js';

// One component for each type, so that generated clients have types of these names. The prefix avoids names of the host's types.

export const session = component(
  'DjaffarSession',
  object<Session>(
    {
      id: text('A random id, or the SHA-256 (hexadecimal) of the id of your own session.', { maxLength: 64 }),
      userAgent: nullable(text('The first user agent that was seen.', { maxLength: 1024 })),
      startedAt: dateTime('When the session began, by the clock of the server.'),
      browser: nullable(text('The name of the browser.', { maxLength: 64, example: 'Firefox' })),
      system: nullable(text('The name of the operating system.', { maxLength: 64, example: 'Windows' })),
      device: nullable(
        text('The kind of device: `desktop`, `mobile`, `tablet`, `tv` or `bot`.', { example: 'desktop' }),
      ),
      country: nullable(
        text(
          'Where it was at first, as ISO 3166-1; `null` if it is not known, or without the option `geo`.',
          {
            maxLength: 2,
            example: 'DE',
          },
        ),
      ),
      language: nullable(
        text('The language that the browser preferred at first, as BCP 47.', {
          maxLength: MAX_LANGUAGE,
          example: 'en-US',
        }),
      ),
      bot: flag('Whether the user agent is that of a known bot.'),
      consent: nullable(
        flag('Whether the visitor had agreed to be identified when it began; `null` if that is not asked.'),
      ),
    },
    'One browser.',
  ),
);

export const activityFields = {
  id: text('The id that the client gave, or one that the server made.', { format: 'uuid' }),
  name: text('What was done. The view of a page is `view`.', { maxLength: MAX_NAME, example: 'view' }),
  path: text('Where it was done.', { maxLength: MAX_PATH, example: '/pricing' }),
  referer: nullable(text('Where the user came from.', { maxLength: MAX_PATH })),
  subject: nullable(
    text('To what it was done: a type and an id.', { maxLength: MAX_SUBJECT, example: 'order:17' }),
  ),
  userId: nullable(text('Your id of the user; `null` for an anonymous visitor.', { maxLength: 255 })),
  userName: nullable(text('The name of the user.', { maxLength: 255 })),
  properties: nullable(
    freeForm<Properties>('Details of the activity: an object with any keys.', { example: { plan: 'pro' } }),
  ),
};

/** `page` is only for statistics. */
export const activity = component(
  'DjaffarActivity',
  object<Activity>(
    {
      ...activityFields,
      route: nullable(
        text('The pattern of the route; `null` if it is not known.', {
          maxLength: MAX_ROUTE,
          example: '/orders/:id/pay',
        }),
      ),
      date: dateTime('When it happened.'),
      receivedAt: dateTime('When the server received it.'),
      sessionId: nullable(
        text('The session; `null` if server code tracked it without one.', { maxLength: 64 }),
      ),
      visitId: nullable(text('The visit.', { maxLength: 16 })),
      ipAddress: nullable(text('The IP address, as the option `ip` says.', { maxLength: 45 })),
      groupId: nullable(
        text('The group of the user, such as a customer: a type and an id.', {
          maxLength: MAX_SUBJECT,
          example: 'company:17',
        }),
      ),
      groupName: nullable(text('The name of the group.', { maxLength: 255 })),
      interactive: nullable(
        flag(
          '`false` if a visit with it and one other activity still bounced; `null` is the same as `true`.',
        ),
      ),
      session: nullable(session, 'The session with its user agent.'),
    },
    'One thing that was done, at a path, at a date.',
  ),
);

export const next = nullable(text('The parameter `after` of the next page; `null` if there is none.'));

export const activities = component(
  'DjaffarActivities',
  object<Page<Activity>>(
    { items: array(activity, 'By date, the latest first unless `order` is `asc`.'), next },
    'One page of the activities.',
  ),
);
