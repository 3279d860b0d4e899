/** The result for an activity or a request, as it is counted. */
export interface Explanation {
  /** `refused`: requests that were answered with an error; `dropped`: activities that were not stored; `marked`: stored ones. */
  kind: 'refused' | 'dropped' | 'marked';
  meaning: string;
  /** The remedy, if this is not intended. */
  cure: string;
}

const STATUS: Record<string, [meaning: string, remedy: string]> = {
  '401': [
    'a bearer token that none of the guards accepts',
    "renew the token, or set rejectedCredentials: 'anonymous' to store such requests as anonymous",
  ],
  '401.host': [
    'a global guard of your app turned the request away',
    'open the tracking route with your own decorator: decorators: [Public()]',
  ],
  '403': ['a guard of your app refused the request', 'look at what your guards do with the tracking route'],
  '403.host': [
    'a global guard of your app turned the request away (Nest answers 403 if a guard returns false)',
    'open the tracking route with your own decorator: decorators: [Public()]',
  ],
  '404': [
    'the route was not found',
    'compare the URL of the tracker with the option "path" and your global prefix',
  ],
  '405': [
    'another method than POST',
    'send a POST request; a redirect from http:// to https:// may have made it a GET',
  ],
  '413': [
    'a body of more than 64 KiB, or more than your own body parser takes',
    'send fewer activities at once, or less in their properties',
  ],
  '415': [
    'a media type that is not supported',
    'send application/json, application/x-www-form-urlencoded or text/plain',
  ],
  '422': ['values that this database can never store', 'the log names the value and the option that made it'],
  '429': [
    'the rate limit of your app',
    'raise it for the tracking route, or skip it: decorators: [SkipThrottle()]',
  ],
  '503': [
    'the database did not take it in time, or too many activities waited; the tracker sends them again',
    'the log has the reason; see writer.timeout and writer.maxWaiting',
  ],
};

const FIELDS: Record<string, string> = {
  body: 'a body that is no valid JSON or form',
  unknown: 'a property that is not known',
};

const DROPPED: Record<string, [meaning: string, remedy: string]> = {
  transform: ['the option "transform" returned null', 'change "transform" if too much is dropped'],
  signal: [
    'the browser asks not to be tracked (Global Privacy Control or Do Not Track)',
    "respect: 'anonymise' stores such activities without a visitor",
  ],
  consent: [
    'the visitor has not consented',
    "withoutConsent: 'cookieless' stores such activities without a cookie",
  ],
};

const MARKED: Record<string, [meaning: string, remedy: string]> = {
  bot: ['bots, which statistics leave out', 'include bots in the dashboard to see them'],
  unknown: ['names that the option "events" does not have', 'add them to "events", or correct the sender'],
};

const CORS: [meaning: string, remedy: string] = [
  'a preflight request of another origin that your app does not answer',
  'enable CORS for the origins of your pages: app.enableCors({ origin: […], credentials: true })',
];

/** @returns `undefined` if it is neither a refusal, nor dropped or marked */
export function explain(cause: string): Explanation | undefined {
  const refused = (texts: [meaning: string, remedy: string]): Explanation => toExplanation('refused', texts);
  if (cause === 'cors') return refused(CORS);
  const known = STATUS[cause];
  if (known) return refused(known);
  if (DROPPED[cause]) return toExplanation('dropped', DROPPED[cause]);
  if (MARKED[cause]) return toExplanation('marked', MARKED[cause]);
  const [status = '', field] = cause.split('.');
  if (!/^[45]\d\d$/.test(status)) return undefined;
  if (status === '400' && field)
    return refused([
      FIELDS[field] ?? `a wrong "${field}"`,
      'the answer to the request lists every error; see docs/tracking.md',
    ]);
  return refused([`an answer of your app with status ${status}`, 'the log of your app has the reason']);
}

/** True for requests that were refused. */
export const isRefusal = (cause: string): boolean => explain(cause)?.kind === 'refused';

function toExplanation(kind: Explanation['kind'], [meaning, remedy]: [string, string]): Explanation {
  return { kind, meaning, cure: remedy };
}
