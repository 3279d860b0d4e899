import { escapeControls, formatReason } from '../../lib/cli/errors.js';

describe('the reason of an error', () => {
  it.each<[string, unknown, string]>([
    ['its message', new Error('no room'), 'no room'],
    ['its name without a message', new RangeError(), 'RangeError'],
    [
      'that of its cause too',
      new Error('not written', { cause: new Error('no room') }),
      'not written: no room',
    ],
    ['that of each cause', new Error('a', { cause: new Error('b', { cause: new Error('c') }) }), 'a: b: c'],
    ['without a cause that is no error', new Error('a', { cause: 'b' }), 'a'],
    ['the first of several without a message', new AggregateError([new Error('a'), new Error('b')]), 'a'],
    ['the message for several', new AggregateError([new Error('a')], 'all failed'), 'all failed'],
    ['what was thrown, if that is no error', 'text', 'text'],
    ['what was thrown, if that is nothing', undefined, 'undefined'],
    ['one line', new Error(' a\n  b\r\n\tc '), 'a b c'],
    ['without control characters', new Error('a\u001b[2J'), String.raw`a\u001b[2J`],
  ])('is %s', (_, error, reason) => {
    expect(formatReason(error)).toBe(reason);
  });
});

describe('text on a terminal', () => {
  it('has an escape in place of each control character, and of each that changes its direction', () => {
    const isControl = /^[\p{Cc}\p{Bidi_Control}]$/u;
    const expected = (text: string): string =>
      isControl.test(text) && text !== '\t' && text !== '\n'
        ? `\\u${`000${text.charCodeAt(0).toString(16)}`.slice(-4)}`
        : text;
    const characters = Array.from({ length: 0x1_0000 }, (_, code) => String.fromCharCode(code));
    expect(characters.filter((text) => escapeControls(text) !== expected(text))).toEqual([]);
  });

  it('has line ends, and no carriage return that would overwrite a line', () => {
    expect(escapeControls('a\nb\r\nc\td')).toBe('a\nb\r\nc\td');
    expect(escapeControls('a\rb\r')).toBe(String.raw`a\u000db\u000d`);
  });

  it('is the same text in JSON', () => {
    const text = '\u001b[2J\u009b31m\u202e"';
    const json = escapeControls(JSON.stringify(text));
    expect(json).toContain(String.raw`\u202e`);
    expect(JSON.parse(json)).toBe(text);
  });
});
