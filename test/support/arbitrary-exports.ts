import fc from 'fast-check';
import { MAX_PROPERTIES_BYTES } from '../../lib/activity/properties.js';
import type { Properties, ServerActivity } from '../../lib/index.js';
import { anyText } from './arbitraries.js';

/** Characters that formats, spreadsheets and databases give a meaning to. */
const SPECIAL = Array.from('"\'\\,;:()[]{}</>=+-@＝＋－＠ \u007F\u0085\u00A0\u2028\u2029\uFEFF🦋é');
/** All that JSON escapes, except NUL, which is not stored. */
const CONTROLS = Array.from({ length: 31 }, (_, i) => String.fromCharCode(i + 1));
/** Beginnings, ends and parts of texts. They are of few characters, so that several fit into the shortest column. */
const PARTS = [
  '\r\n',
  '=1',
  ';=1',
  '\t@a',
  '\r\n+1',
  "'=",
  '""',
  '\\"',
  '\\N',
  '</script>',
  '<!--',
  '  ',
  'null',
];

const aCharacter = fc.oneof(
  fc.constantFrom(...SPECIAL),
  fc.constantFrom(...CONTROLS),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter((character) => character !== '\0'),
);

/** A text that every column can store. */
const aShortText = fc.string({ unit: aCharacter, maxLength: 8 });
/** A text for columns of at least 64 characters. */
const aText = fc.oneof(
  aShortText,
  fc.string({ unit: fc.oneof(aCharacter, fc.constantFrom(...PARTS)), maxLength: 7 }),
);
const someText = aText.filter((text) => text !== '');
const maybe = fc.option(aText);
const maybeShort = fc.option(aShortText);

/** Numbers that are written in an unusual form, or with as many digits as possible. */
export const EDGE_NUMBERS = [
  -0,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
  Number.MIN_VALUE,
  0.1 + 0.2,
  -1e-7,
  123_456_789.123_456_78,
];

const aValue = fc.oneof(
  aText,
  fc.constantFrom(...EDGE_NUMBERS),
  fc.integer(),
  fc.constantFrom(null, true, false, ''),
);
const aKey = fc.oneof(fc.constantFrom('', 'a.b', 'toString', 'constructor', '1'), aText);

function anObjectOf(value: fc.Arbitrary<unknown>): fc.Arbitrary<Properties> {
  return fc.dictionary(
    aKey.filter((key) => key !== '__proto__'),
    value,
    { maxKeys: 3 },
  );
}

/** Returns an object, an array or a value. */
function nested(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof(value, anObjectOf(value), fc.array(value, { maxLength: 3 }));
}

/** As deep as they may be. */
const someProperties = anObjectOf(nested(nested(aValue))).filter(
  (properties) => Buffer.byteLength(JSON.stringify(properties)) <= MAX_PROPERTIES_BYTES,
);

const aDate = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true });

/** A row of the table, with values that only SQL can store. */
export const aSession = fc.record({
  id: fc.oneof(aText, fc.stringMatching(/^[\w-]{1,9}$/)),
  userAgent: maybe,
  startedAt: aDate,
  browser: maybe,
  system: maybe,
  device: maybeShort,
  country: fc.option(fc.string({ unit: aCharacter, maxLength: 2 })),
  language: maybe,
  bot: fc.boolean(),
  consent: fc.option(fc.boolean()),
});

/** A row of the table, without its session. */
export const aRow = fc.record({
  id: fc.uuid({ version: [1, 2, 3, 4, 5, 6, 7] }),
  date: fc.oneof(
    aDate,
    fc.nat(200_000).map((instant) => new Date(instant)),
  ),
  receivedAt: aDate,
  name: aText,
  path: aText,
  route: maybe,
  referer: maybe,
  properties: fc.option(someProperties),
  subject: maybe,
  userId: maybe,
  userName: maybe,
  groupId: maybe,
  groupName: maybe,
  visitId: maybeShort,
  ipAddress: maybeShort,
  interactive: fc.option(fc.boolean()),
});

export type Tracked = ServerActivity & { date: Date; path: string };

/** An activity of server code, with any text where it may have one. */
export const aTracked: fc.Arbitrary<Tracked> = fc.record(
  {
    date: fc.date({ min: new Date(0), max: new Date(), noInvalidDate: true }),
    path: someText,
    name: aText,
    route: aText,
    referer: aText,
    properties: someProperties,
    subject: someText.map((id) => ['order', id] as const),
    // What is not storable in these texts is replaced.
    user: fc.record({ id: someText, name: fc.option(fc.oneof(anyText, aText)) }),
    session: fc.constant('s'),
    userAgent: fc.oneof(anyText, aText),
    ip: fc.constantFrom('203.0.113.7', '2001:db8::1'),
    interactive: fc.boolean(),
  },
  { requiredKeys: ['date', 'path'] },
);
