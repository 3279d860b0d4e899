import { randomUUID } from 'node:crypto';
import { uuid } from '../../lib/client/activity.js';
import { randomBytes, uuidv5, uuidv7 } from '../../lib/activity/random.js';

describe('random bytes', () => {
  it('are as many as asked for, and never given out twice', () => {
    // More than two blocks of them.
    const texts = Array.from({ length: 2000 }, () => randomBytes(12).toString('hex'));
    expect(texts.filter((text) => text.length !== 24)).toEqual([]);
    expect(new Set(texts).size).toBe(texts.length);
  });
});

const MAKERS: [string, () => string][] = [
  ['by the server', uuidv7],
  ['by the browser', uuid],
];

describe('a UUID', () => {
  it.each(MAKERS)('of version 7, made %s, begins with the date, and is never made twice', (_, make) => {
    const before = Date.now();
    const ids = Array.from({ length: 2000 }, make);
    for (const id of ids) {
      expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
      const date = parseInt(id.replace('-', '').slice(0, 12), 16);
      expect(date).toBeGreaterThanOrEqual(before);
      expect(date).toBeLessThanOrEqual(Date.now());
    }
    expect(new Set(ids.map((id) => id.slice(15))).size).toBe(ids.length);
  });

  it.each(MAKERS)(
    'of version 7, made %s, is after the one before it, also in the same millisecond',
    (_, make) => {
      jest.useFakeTimers({ now: 1_800_000_000_000 });
      try {
        // The browser's counter goes on from one millisecond to the next.
        const rest = make === uuid ? 0xfff - parseInt(make().slice(15, 18), 16) : 0;
        for (let i = 0; i < rest; i++) make();
        jest.setSystemTime(1_800_000_100_000);
        const ids = Array.from({ length: 4096 }, make);
        expect(ids).toEqual(ids.toSorted());
        expect(ids.filter((id) => !id.startsWith('01a3185d-d6a0-7'))).toEqual([]);
        jest.setSystemTime(1_800_000_100_001);
        expect(make()).toMatch(/^01a3185d-d6a1-7000-/);
      } finally {
        jest.useRealTimers();
      }
    },
  );

  it.each(MAKERS)('of version 7, made %s, is one if a clock is before 1970', (_, make) => {
    jest.useFakeTimers({ now: -1 });
    try {
      expect(make()).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    } finally {
      jest.useRealTimers();
    }
  });

  it('of version 5 is that of its name, as RFC 9562 has it', () => {
    const DNS = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
    expect(uuidv5('www.example.com', DNS)).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
    expect(uuidv5('www.example.com', randomUUID())).not.toBe(uuidv5('www.example.com', DNS));
  });
});
