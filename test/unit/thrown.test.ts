import { describeThrown } from '../../lib/diagnostics/thrown.js';

class Renamed extends Error {
  constructor(name: unknown) {
    super('broken');
    Reflect.set(this, 'name', name);
  }
}

describe('what code of the host throws is described', () => {
  it.each<[string, unknown, { code: string; reason: string }]>([
    ['an error', new TypeError('broken'), { code: 'TypeError', reason: 'broken' }],
    ['an error without a message', new RangeError(), { code: 'RangeError', reason: 'RangeError' }],
    ['a text', 'broken', { code: 'Error', reason: 'broken' }],
    ['nothing', undefined, { code: 'Error', reason: 'undefined' }],
    ['an object without a text', Object.create(null), { code: 'Error', reason: 'Error' }],
    ['an error whose name is a number', new Renamed(5), { code: 'Error', reason: 'broken' }],
    ['an error whose name cannot be stored', new Renamed('a\0b'), { code: 'a\uFFFDb', reason: 'broken' }],
    ['an error with a long name', new Renamed('x'.repeat(70)), { code: 'x'.repeat(64), reason: 'broken' }],
    [
      'an error with a very long text',
      new Error('x'.repeat(2000)),
      { code: 'Error', reason: 'x'.repeat(1000) },
    ],
    [
      'an object that cannot be read',
      new Proxy({}, { get: () => assertNever() }),
      { code: 'Error', reason: 'Error' },
    ],
  ])('%s', (_, thrown, expected) => {
    expect(describeThrown(thrown)).toEqual(expected);
  });
});

function assertNever(): never {
  throw new Error('unreadable');
}
