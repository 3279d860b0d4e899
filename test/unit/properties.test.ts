import fc from 'fast-check';
import { validateProperties } from '../../lib/activity/properties.js';

/** Properties whose JSON takes as many bytes. */
function ofBytes(bytes: number, character = 'x'): { a: string } {
  const width = Buffer.byteLength(character);
  const rest = bytes - Buffer.byteLength('{"a":""}');
  return { a: character.repeat(rest / width) + 'x'.repeat(rest % width) };
}

describe('properties', () => {
  it.each([
    ['none', {}],
    ['4,096 bytes', ofBytes(4096)],
    ['4,096 bytes of other letters', ofBytes(4096, 'é')],
    ['3 levels of objects', { a: { b: { c: 1 } } }],
    ['3 levels of arrays', { a: [[1, null]] }],
    [
      'every kind of JSON',
      { text: 'é🦋', number: -1.5e-300, large: 2 ** 53 - 1, yes: true, no: null, list: [1, 'a'], '': {} },
    ],
    ['keys that every object has', { constructor: 1, toString: 2, hasOwnProperty: 3, toJSON: 4 }],
  ])('may be %s', (_, properties) => {
    expect(validateProperties(properties)).toBeUndefined();
  });

  it.each<[string, unknown, RegExp]>([
    ['4,097 bytes', ofBytes(4097), /4096 bytes/],
    ['4,097 bytes of other letters', ofBytes(4097, 'é'), /4096 bytes/],
    ['4 levels of objects', { a: { b: { c: {} } } }, /3 levels/],
    ['4 levels of arrays', { a: [[[]]] }, /3 levels/],
    ['an array', [], /JSON object/],
    ['a text', '{}', /JSON object/],
    ['a number', 1, /JSON object/],
    ['null', null, /JSON object/],
    ['NUL in a text', { a: ['\0'] }, /NUL/],
    ['NUL in a key', { '\0': 1 }, /NUL/],
    ['a lone surrogate in a text', { a: { b: '\ud83e' } }, /surrogates/],
    ['a lone surrogate in a key', { a: { '\udd8b': 1 } }, /surrogates/],
    ['a key __proto__', JSON.parse('{"__proto__":1}'), /__proto__/],
    ['a key __proto__ further in', JSON.parse('{"a":[{"__proto__":{}}]}'), /__proto__/],
    ['an integer that JavaScript rounds', JSON.parse('{"a":[9007199254740993]}'), /9007199254740992 as text/],
    ['an integer below that', { a: -(2 ** 53) }, /as text/],
    ['a number too great for JSON', JSON.parse('{"a":1e400}'), /JSON/],
    ['NaN', { a: NaN }, /JSON/],
    ['undefined in an array', { a: [undefined] }, /undefined in an array/],
    ['a function', { a: () => 1 }, /function/],
    ['a bigint', { a: 1n }, /bigint/],
    ['a symbol', { a: Symbol('a') }, /symbol/],
  ])('may not be %s', (_, properties, fault) => {
    expect(validateProperties(properties)).toMatch(fault);
  });

  it('nested without an end are refused', () => {
    const endless: Record<string, unknown> = {};
    endless.self = endless;
    expect(validateProperties(endless)).toMatch(/3 levels/);
    const deep: unknown = JSON.parse('{"a":'.repeat(5_000) + '1' + '}'.repeat(5_000));
    expect(validateProperties(deep)).toMatch(/3 levels/);
  });

  it('may have a key that is undefined, which JSON leaves out', () => {
    expect(validateProperties({ coupon: undefined, address: { street: undefined } })).toBeUndefined();
  });

  it('are limited only by bytes and levels if they are JSON with well-formed text', () => {
    const text = fc.string({ unit: 'binary' }).map((any) => any.replaceAll('\0', '') || 'a');
    const key = text.filter((any) => any !== '__proto__');
    const json = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        text,
        fc
          .double({ noNaN: true, noDefaultInfinity: true })
          .filter((number) => !Number.isInteger(number) || Number.isSafeInteger(number)),
        fc.constantFrom(null, true, false, 'x'.repeat(2000)),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(key, tie('value'), { maxKeys: 3 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(key, json.value, { maxKeys: 5 }), (properties) => {
        const isFine = levelsOf(properties) <= 3 && Buffer.byteLength(JSON.stringify(properties)) <= 4096;
        expect(validateProperties(properties) === undefined).toBe(isFine);
      }),
      { numRuns: 500 },
    );
  });

  it('never fail to be judged, whatever they are', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true }), (anything) => {
        expect(['string', 'undefined']).toContain(typeof validateProperties(anything));
      }),
      { numRuns: 1000 },
    );
  });
});

function levelsOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(levelsOf));
}
