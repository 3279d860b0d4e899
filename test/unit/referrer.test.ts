import { hostText, parseReferrer, withoutOwnHost } from '../../lib/activity/referrer.js';
import { parseVisitSource } from '../../lib/statistics/visit-source.js';

describe('a referrer', () => {
  it.each([
    ['https://www.DuckDuckGo.com./?q=a', 'duckduckgo.com'],
    ['android-app://com.google.android.gm/', 'com.google.android.gm'],
    ['android-app://com.Slack', 'com.slack'],
    ['ios-app://544007664/', '544007664'],
    ['https://bücher.example/', 'bücher.example'],
    ['https://www.xn--bcher-kva.example/', 'bücher.example'],
    ['http://[::1]:3000/', '[::1]'],
    ['about:client', undefined],
    ['https://', undefined],
    ['/a', undefined],
    [null, undefined],
  ])('of %j is %j', (referer, referrer) => {
    expect(parseReferrer(referer)).toBe(referrer);
  });

  it('has one spelling', () => {
    for (const host of ['BÜCHER.example', 'xn--bcher-kva.example.', 'XN--BCHER-KVA.EXAMPLE'])
      expect(hostText(host)).toBe('bücher.example');
    expect(hostText('a b')).toBe('a b');
  });

  it('is none on an own page, whose path is kept', () => {
    expect(withoutOwnHost('https://www.bücher.example/a?b#c', ['xn--bcher-kva.example'])).toBe('/a?b#c');
    expect(withoutOwnHost('https://bücher.example?b', [undefined, 'www.bücher.example'])).toBe('/?b');
    expect(withoutOwnHost('https://other.example/a', ['example'])).toBe('https://other.example/a');
    expect(withoutOwnHost(null, ['example'])).toBeNull();
  });
});

describe('the UTM parameters of a path', () => {
  const none = {
    referrer: null,
    utmSource: null,
    utmMedium: null,
    utmCampaign: null,
    utmTerm: null,
    utmContent: null,
  };

  it.each([
    ['/?UTM_Source=a&utm_TERM=b+c&utm_content=d', { utmSource: 'a', utmTerm: 'b c', utmContent: 'd' }],
    [
      '/?utm_source=a&amp;utm_medium=b&AMP;utm_campaign=c',
      { utmSource: 'a', utmMedium: 'b', utmCampaign: 'c' },
    ],
    ['/?utm_source=a&UTM_SOURCE=b', { utmSource: 'a' }],
    ['/?utm_source=a%26amp%3Bb', { utmSource: 'a&amp;b' }],
    ['/#?utm_source=a', {}],
  ])('%s', (path, found) => {
    expect(parseVisitSource(path, null)).toEqual({ ...none, ...found });
  });
});
