import { RecordJsonWriter } from '../../lib/export/record-json.js';
import { ReusableBuffer } from '../../lib/export/reusable-buffer.js';

function write(columns: string[], key: string, text: string, count = 1): { json: string[]; keys: unknown[] } {
  const writer = new RecordJsonWriter(columns, key, '}');
  const parts = writer.write({ text, count });
  return {
    json: parts.map(({ from, to }) => writer.bytes.toString('utf8', from, to)),
    keys: parts.map((part) => part.key),
  };
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('records as JSON', () => {
  it('have room for a date that is one digit in a record', () => {
    expect(write(['date'], '', '(0)').json).toEqual(['{"date":"1970-01-01T00:00:00.000Z"}']);
  });

  it('have room for names that are longer than their values', () => {
    const name = 'n'.repeat(100);
    expect(write([name], '', '()'.repeat(20), 20).json).toEqual(
      Array.from({ length: 20 }, () => `{"${name}":null}`),
    );
  });

  it('have room for a long text of which each character is escaped', () => {
    const text = '\u0001'.repeat(10_000);
    expect(write(['path'], '', `(${text})`).json).toEqual([JSON.stringify({ path: text })]);
  });

  it.each(['a-b_9', 'a', 'a"b', '"', '\\', '\\\\', 'é', '🦋', 'a b', 'a\nb', '-é-'])(
    'have the text of their key: %j',
    (key) => {
      const text = `("${key.replaceAll(/["\\]/g, '$&$&')}",x)`;
      expect(write(['id', 'name'], 'id', text).keys).toEqual([key]);
    },
  );

  it('have no key without a value, or without the column', () => {
    expect(write(['id'], 'id', '()').keys).toEqual([null]);
    expect(write(['id'], 'other', '(a)').keys).toEqual([null]);
  });

  it('have dates of the same minute, which is formatted once', () => {
    const toIso = jest.spyOn(Date.prototype, 'toISOString');
    const { json } = write(['date', 'receivedAt'], '', '(60999,119999)(120000,60000)', 2);
    expect(json).toEqual([
      '{"date":"1970-01-01T00:01:00.999Z","receivedAt":"1970-01-01T00:01:59.999Z"}',
      '{"date":"1970-01-01T00:02:00.000Z","receivedAt":"1970-01-01T00:01:00.000Z"}',
    ]);
    expect(toIso).toHaveBeenCalledTimes(3);
  });
});

describe('memory that is used again', () => {
  it('grows to twice what is needed, and keeps what is asked', () => {
    const memory = new ReusableBuffer();
    const first = memory.allocate(3);
    first.set([1, 2, 3]);
    const second = memory.allocate(7, 2);
    expect(second).toHaveLength(14);
    expect([...second.subarray(0, 2)]).toEqual([1, 2]);
  });

  it('is the same as long as it is enough', () => {
    const memory = new ReusableBuffer();
    const first = memory.allocate(3);
    expect(memory.allocate(6)).toBe(first);
    expect(memory.allocate(0)).toBe(first);
    expect(memory.allocate(7)).not.toBe(first);
  });
});
