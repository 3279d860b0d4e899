import fc from 'fast-check';
import { Activity, InvalidFilterError } from '../../lib/index.js';
import { decodeCursor, encodeCursor } from '../../lib/activity/pagination.js';
import { LAST_INSTANT } from '../../lib/time/time-zone.js';

function activityOf(date: number, id: string): Activity {
  return Object.assign(new Activity(), { date: new Date(date), id });
}

describe('the cursor of a page', () => {
  it('contains its date and id, in characters that need no escape in a query string', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: LAST_INSTANT }), fc.uuid(), (date, id) => {
        const cursor = encodeCursor(activityOf(date, id));
        expect(cursor).toMatch(/^[\w-]+$/);
        expect(decodeCursor(cursor)).toEqual({ date, id });
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['empty', ''],
    ['no cursor', 'abc'],
    ['a date alone', Buffer.from('1770091506789').toString('base64url')],
    ['a date that is no number', Buffer.from(`1e9.${'a'.repeat(36)}`).toString('base64url')],
    ['a date before 1970', Buffer.from(`-1.${'a'.repeat(36)}`).toString('base64url')],
    ['without a UUID', Buffer.from(`1.${'f'.repeat(36)}`).toString('base64url')],
    ['dashes alone', Buffer.from(`1.${'-'.repeat(36)}`).toString('base64url')],
    [
      'after the year 9999',
      Buffer.from(`999999999999999.${'f'.repeat(8)}-ffff-ffff-ffff-${'f'.repeat(12)}`).toString('base64url'),
    ],
    ['SQL', Buffer.from("1.' OR 1=1 --").toString('base64url')],
    ['more than a cursor', Buffer.from(`1.${'a'.repeat(36)}\n`).toString('base64url')],
  ])('is refused where it is %s', (_, text) => {
    expect(() => decodeCursor(text)).toThrow(InvalidFilterError);
    expect(() => decodeCursor(text)).toThrow(/^after must be /);
  });

  it('is refused or understood, whatever it is', () => {
    const alike = fc.string({ unit: fc.constantFrom(...Array.from('0123456789.-abcdef')) });
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      alike.map((any) => Buffer.from(any).toString('base64url')),
    );
    fc.assert(
      fc.property(text, (any) => {
        expect(['date,id', 'InvalidFilterError']).toContain(outcomeOf(any));
      }),
      { numRuns: 1000 },
    );
  });
});

/** What a cursor tells, or the error that refuses it. */
function outcomeOf(text: string): string {
  try {
    return Object.keys(decodeCursor(text)).join();
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}
