import fc from 'fast-check';

export const JSON_TYPE = 'application/json';
export const FORM = 'application/x-www-form-urlencoded';
export const TEXT = 'text/plain';

const ACTIVITY_PROPERTIES = ['date', 'path', 'referer', 'name', 'id', 'properties', 'sentAt'];

const HOSTILE_KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'toJSON',
  'hasOwnProperty',
  'length',
  'then',
  'activities',
  'activities[0][date]',
  'properties[a]',
  'userId',
  '$value',
  '',
];

const HOSTILE_VALUES: unknown[] = [
  null,
  '',
  0,
  1e308,
  2 ** 64,
  true,
  [],
  {},
  [['2026-02-03T04:05:06Z']],
  '+275760-09-13T00:00:00.000Z',
  '9999-12-31T23:59:59.999Z',
  '1970-01-01T00:00:00Z',
  '🦋'.repeat(2048),
  'x'.repeat(2049),
  '{"a":1}',
  { a: { b: { c: { d: 1 } } } },
  { constructor: { prototype: { a: 1 } } },
  { a: 'x'.repeat(4096) },
];

/** Any code unit of a JavaScript string, also lone surrogates and NUL. */
const aUnit = fc.oneof(
  fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
  fc.constantFrom(...Array.from('\0"\\%&=+[]{},'), '\ud83e', '\udd8b', '🦋'),
);
export const anyText = fc.string({ unit: aUnit, maxLength: 30 });
const anyKey = fc.oneof(fc.constantFrom(...HOSTILE_KEYS), anyText);
const anyValue = fc.oneof(fc.constantFrom(...HOSTILE_VALUES), anyText, fc.jsonValue());

const aText = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 20 })
  .filter((text) => !text.includes('\0') && text !== '__proto__');
export const anActivity = fc.record(
  {
    date: fc
      .date({ min: new Date(0), max: new Date(), noInvalidDate: true })
      .map((date) => date.toISOString()),
    path: aText,
    referer: aText,
    name: aText,
    id: fc.uuid({ version: [1, 2, 3, 4, 5, 6, 7] }),
    properties: fc.dictionary(aText, aText, { maxKeys: 3 }),
  },
  { requiredKeys: ['date', 'path'] },
);
export const aBatch = fc.record({ activities: fc.array(anActivity, { minLength: 1, maxLength: 100 }) });

/** An activity with some properties replaced by, or added with, arbitrary values. */
const aWrongActivity = fc
  .tuple(anActivity, fc.array(fc.tuple(fc.oneof(fc.constantFrom(...ACTIVITY_PROPERTIES), anyKey), anyValue)))
  .map(([activity, changes]): object =>
    // Unlike an assignment, this creates an own property `__proto__`.
    Object.fromEntries([...Object.entries(activity), ...changes.slice(0, 2)]),
  );

const anyObject = fc.oneof(
  aWrongActivity,
  fc.record({ activities: fc.array(fc.oneof(anActivity, aWrongActivity, anyValue), { maxLength: 5 }) }),
  fc.jsonValue(),
  anyValue,
);

export const deepJson = fc
  .tuple(fc.constantFrom<[string, string]>(['[', ']'], ['{"a":', '}']), fc.integer({ min: 1, max: 12_000 }))
  .map(([[open, close], levels]) => `{"date":1,"properties":${open.repeat(levels)}1${close.repeat(levels)}}`);

const anyJson = fc.oneof(
  { weight: 5, arbitrary: anyObject.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: deepJson },
);

/** A body with something inserted or removed in the middle. */
const aBrokenBody = fc
  .tuple(fc.oneof(anyJson, anActivity.map(formOf)), fc.nat(), fc.nat(3), fc.uint8Array({ maxLength: 4 }))
  .map(([text, at, left, bytes]) => {
    const whole = Buffer.from(text);
    const middle = at % (whole.length + 1);
    return Buffer.concat([whole.subarray(0, middle), bytes, whole.subarray(middle + left)]);
  });

/** Any body, valid or not. */
export const anyBody = fc.oneof(
  anyJson.map((json) => Buffer.from(json)),
  aWrongActivity.map((activity) => Buffer.from(formOf(activity))),
  aBrokenBody,
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);

/** Any value of a header. */
export const aHeader = fc
  .oneof(
    fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((unit) => String.fromCharCode(unit)) }),
    fc.string({ unit: fc.constantFrom(...Array.from(';=,./:%&"[]_ -0a\t\xff')), maxLength: 100 }),
    fc.constantFrom(
      'x'.repeat(1500),
      '\xff'.repeat(1100),
      '::ffff:1.2.3.4',
      '[::1]:80',
      'null',
      'https://',
      '//',
    ),
  )
  .map((text) => text.replaceAll('\x7f', ''));

export const aType = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(JSON_TYPE, TEXT, FORM) },
  fc.constantFrom(
    'text/plain;charset=UTF-8',
    'APPLICATION/JSON ; charset="utf-8"',
    'application/json; charset=utf-16',
    'application/json; charset=nonsense',
    'application/ld+json',
    'text/xml',
    'multipart/form-data; boundary=x',
    'application/octet-stream',
  ),
  aHeader,
);

export function formOf(activity: object): string {
  const fields = Object.entries(activity).map(([key, value]): [string, string] => [
    key,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return new URLSearchParams(fields).toString();
}
