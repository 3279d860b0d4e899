import { ErrorCollector, InvalidActivityError } from '../../lib/activity/validation-errors.js';
import { RowFields } from '../../lib/cli/import/fields.js';
import { deriveActivityId, deriveVisitId } from '../../lib/cli/import/ids.js';

const UUID = '0193a1b2-0000-7000-8000-00000000000a';

interface Read {
  value: unknown;
  errors: string[];
}

/** Reads the field `x` of a row. */
function read(row: object, readField: (fields: RowFields) => unknown): Read {
  const collector = new ErrorCollector();
  const value = readField(new RowFields(row, collector));
  try {
    collector.throwIfInvalid();
    return { value, errors: [] };
  } catch (error) {
    const { errors } = error as InvalidActivityError;
    return { value, errors: errors.x ?? [] };
  }
}

const valid = (value: unknown): Read => ({ value, errors: [] });
const invalid = (value: unknown, error: string): Read => ({ value, errors: [`x ${error}`] });

describe('a field of an imported row', () => {
  it('exists also if it is null', () => {
    const exists = (row: object): unknown => read(row, (fields) => fields.has('x')).value;
    expect([exists({ x: 1 }), exists({ x: null }), exists({ x: '' })]).toEqual([true, true, true]);
    expect([exists({}), exists({ x: undefined })]).toEqual([false, false]);
  });

  it('is a text, which may be empty', () => {
    const text = (row: object): Read => read(row, (fields) => fields.text('x', 3));
    expect(text({ x: 'abc' })).toEqual(valid('abc'));
    expect(text({ x: '' })).toEqual(valid(''));
    expect(text({ x: 'abcd' })).toEqual(invalid('', 'must be at most 3 characters long'));
    for (const row of [{}, { x: null }, { x: 5 }]) expect(text(row)).toEqual(invalid('', 'must be a string'));
  });

  it('is an optional text, which is null if it is empty or missing', () => {
    const text = (row: object): Read => read(row, (fields) => fields.optionalText('x', 3));
    expect(text({ x: 'abc' })).toEqual(valid('abc'));
    for (const row of [{}, { x: null }, { x: '' }]) expect(text(row)).toEqual(valid(null));
    expect(text({ x: 5 })).toEqual(invalid(null, 'must be a string'));
  });

  it('is a date', () => {
    const date = (x: unknown): Read => read({ x }, (fields) => fields.date('x'));
    expect(date('2026-02-03T04:05:06.007Z')).toEqual(valid(new Date(Date.UTC(2026, 1, 3, 4, 5, 6, 7))));
    expect(date('2026-02-30T00:00Z').errors).toEqual([expect.stringContaining('must be an ISO 8601 date')]);
    expect(date(null).errors).toHaveLength(1);
  });

  it('is true or false', () => {
    const flag = (x: unknown): Read => read({ x }, (fields) => fields.flag('x'));
    expect([flag(true), flag(false)]).toEqual([valid(true), valid(false)]);
    for (const x of ['true', 1, null, undefined])
      expect(flag(x)).toEqual(invalid(false, 'must be true or false'));
  });

  it('is true, false or nothing', () => {
    const flag = (row: object): Read => read(row, (fields) => fields.optionalFlag('x'));
    expect([flag({ x: true }), flag({ x: false })]).toEqual([valid(true), valid(false)]);
    for (const row of [{}, { x: null }, { x: '' }]) expect(flag(row)).toEqual(valid(null));
    expect(flag({ x: 'no' })).toEqual(invalid(false, 'must be true or false'));
  });
});

describe('the id of an imported row', () => {
  const uuid = (row: object): Read => read(row, (fields) => fields.optionalUuid('x'));

  it('may be missing', () => {
    expect([uuid({}), uuid({ x: null })]).toEqual([valid(undefined), valid(undefined)]);
  });

  it('is kept in lower case', () => {
    expect(uuid({ x: UUID.toUpperCase() })).toEqual(valid(UUID));
  });

  it.each([
    '',
    17,
    [UUID],
    `${UUID}0`,
    `0${UUID}`,
    UUID.replaceAll('-', ''),
    UUID.replace('0193', 'o193'),
    UUID.replace('-0000', '-000o'),
    UUID.slice(0, -1) + 'g',
    UUID.slice(1),
    UUID.slice(0, -1),
    UUID.replace('-0000', '-000'),
    UUID.replace('-7000', '-70000'),
    UUID.replace('-7000-8000', '-7000'),
    UUID.replace('-7000', '-7000-7000'),
  ])('must be a UUID: %j', (x) => {
    expect(uuid({ x })).toEqual(invalid(undefined, 'must be a UUID'));
  });

  it('must not be the nil UUID', () => {
    const nil = '00000000-0000-0000-0000-000000000000';
    expect(uuid({ x: nil })).toEqual(invalid(undefined, 'must not be the nil UUID'));
    expect(uuid({ x: nil.replace(/0$/, '1') })).toEqual(valid(nil.replace(/0$/, '1')));
  });

  it('is another one, the same at each import, if MariaDB would refuse it', () => {
    for (const version of '0123456789abcdef') {
      for (const variant of '0123456789abcdef') {
        const id = `d41d8cd9-8f07-${version}204-${variant}980-7998ecf8427e`;
        const isRefused = version >= '8' && variant < '8';
        const expected = valid(isRefused ? deriveActivityId([id]) : id);
        expect([id, uuid({ x: id }), uuid({ x: id.toUpperCase() })]).toEqual([id, expected, expected]);
      }
    }
  });
});

/** If these change, an import stores activities again that an earlier version has stored. */
describe('ids that an import makes', () => {
  it('are UUIDs of version 5 of the JSON of what is known', () => {
    expect(deriveActivityId(['a', 1, null])).toBe('849ad42a-12fa-5a8c-b0dd-5585c2b95f0c');
  });

  it('are the beginning of SHA-256 for visits', () => {
    expect(deriveVisitId('6fa459ea-ee8a-3ca4-894e-db77e160355e')).toBe('rhXMlxXNPuhlKGF');
  });
});
