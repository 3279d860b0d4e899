import { explain, isRefusal } from '../../lib/health/causes.js';

describe('a cause that is counted', () => {
  it.each([
    '401',
    '401.host',
    '403',
    '403.host',
    '404',
    '405',
    '413',
    '415',
    '422',
    '429',
    '503',
    'cors',
    '400',
    '400.body',
    '400.unknown',
    '400.date',
    '418',
    '500',
    '599',
  ])('is a refusal: %s', (cause) => {
    expect(explain(cause)).toEqual({
      kind: 'refused',
      meaning: expect.stringMatching(/../),
      cure: expect.stringMatching(/../),
    });
    expect(isRefusal(cause)).toBe(true);
  });

  it.each([
    ...['transform', 'signal', 'consent'].map((cause) => [cause, 'dropped']),
    ...['bot', 'unknown'].map((cause) => [cause, 'marked']),
  ])('is no refusal: %s is %s', (cause, kind) => {
    expect(explain(cause)).toMatchObject({
      kind,
      meaning: expect.stringMatching(/../),
      cure: expect.stringMatching(/../),
    });
    expect(isRefusal(cause)).toBe(false);
  });

  it.each([
    'stored',
    'public',
    'proxied',
    'cookie',
    'script',
    '200',
    '302',
    '600',
    '4000',
    '1400',
    '',
    'x.400',
  ])('needs no explanation: %j', (cause) => {
    expect(explain(cause)).toBeUndefined();
    expect(isRefusal(cause)).toBe(false);
  });

  it('names the property, and differs by the status', () => {
    expect(explain('400.date')?.meaning).toBe('a wrong "date"');
    expect(explain('400.body')?.meaning).not.toContain('"body"');
    expect(explain('400.unknown')?.meaning).not.toContain('"unknown"');
    expect(explain('418')?.meaning).toContain('418');
    expect(explain('418.x')).toEqual(explain('418'));
    const meanings = ['400', '400.date', '401', '401.host', '403', '403.host', '503'].map(
      (cause) => explain(cause)?.meaning,
    );
    expect(new Set(meanings).size).toBe(meanings.length);
  });
});
