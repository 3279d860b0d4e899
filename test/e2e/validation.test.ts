import { InvalidActivityError } from '../../lib/index.js';
import { RowReader } from '../../lib/cli/import/row.js';
import { type Host, startHost } from '../support/host.js';

const DATE = '2026-11-01T12:00:00.000Z';

/** A property with a value, and what is said of it; nothing if it is valid. */
const CASES: [string, unknown, string?][] = [
  ['date', DATE],
  ['date', '2026-11-01T12:00+02:00'],
  ['date', 'yesterday', 'must be an ISO 8601 date and time of the years 1970 to 9999'],
  ['date', 1_800_000_000, 'must be an ISO 8601 date and time of the years 1970 to 9999'],
  ['path', 'x'.repeat(2048)],
  ['path', '🦋'.repeat(2048)],
  ['path', 'x'.repeat(2049), 'must be at most 2048 characters long'],
  ['path', ['/'], 'must be a string'],
  ['path', '/\0', 'must not contain NUL or lone surrogates'],
  ['path', '/\ud83e', 'must not contain NUL or lone surrogates'],
  ['referer', 'https://example.com/'],
  ['referer', 'x'.repeat(2049), 'must be at most 2048 characters long'],
  ['referer', false, 'must be a string'],
  ['route', 'x'.repeat(255)],
  ['route', 'x'.repeat(256), 'must be at most 255 characters long'],
  ['name', 'bought'],
  ['name', 'x'.repeat(65), 'must be at most 64 characters long'],
  ['name', {}, 'must be a string'],
  ['properties', { a: { b: { c: 1 } } }],
  ['properties', { a: { b: { c: {} } } }, 'must be at most 3 levels deep'],
  ['properties', [1], 'must be a JSON object'],
  ['properties', { a: 'x'.repeat(4096) }, 'must take at most 4096 bytes'],
  [
    'properties',
    { a: 2 ** 53 },
    'must not contain integers beyond ±(2^53 - 1): send 9007199254740992 as text',
  ],
  ['id', '019aa1f0-0000-7000-8000-00000000000A'],
  ['id', '019aa1f0', 'must be a UUID'],
  ['id', 5, 'must be a UUID'],
  ['color', 'red', 'is not known'],
];

describe('an activity', () => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({ adapter: 'fastify' });
  });

  afterAll(() => host.close());

  async function errorsOfTrack(activity: object): Promise<unknown> {
    try {
      // Server code in JavaScript may give anything.
      await host.activities.track(activity);
      return {};
    } catch (error) {
      if (error instanceof InvalidActivityError) return error.errors;
      throw error;
    }
  }

  async function errorsOfRequest(body: object): Promise<unknown> {
    const answer = await host.post(body);
    if (answer.status === 204) return {};
    const { errors }: { errors: unknown } = JSON.parse(await answer.text());
    return errors;
  }

  function errorsOfImport(item: object): unknown {
    const rest = { receivedAt: DATE, id: '019aa1f0-0000-7000-8000-000000000001', name: 'view' };
    try {
      new RowReader().parseRow({ ...rest, ...item });
      return {};
    } catch (error) {
      if (error instanceof InvalidActivityError) return error.errors;
      throw error;
    }
  }

  it.each(
    CASES.map(([name, value, error]) => [name, JSON.stringify(value).slice(0, 40), value, error] as const),
  )(
    'with the %s %s gets the same answer from a request, a batch, server code and an import',
    async (name, _, value, error) => {
      const activity: object = JSON.parse(JSON.stringify({ date: DATE, path: '/' }));
      Object.defineProperty(activity, name, { value, enumerable: true });
      const errors = error === undefined ? {} : { [name]: [`${name} ${error}`] };
      const inBatch =
        error === undefined ? {} : { [`activities.0.${name}`]: [`activities.0.${name} ${error}`] };
      expect(await errorsOfRequest(activity)).toEqual(errors);
      expect(await errorsOfRequest({ activities: [activity] })).toEqual(inBatch);
      expect(await errorsOfTrack(activity)).toEqual(errors);
      expect(errorsOfImport(activity)).toEqual(errors);
    },
  );
});
