import fc from 'fast-check';
import { parseUserAgent } from '../../lib/activity/user-agent.js';
import { isStorable } from '../../lib/activity/text.js';

const WEBKIT = 'AppleWebKit/605.1.15 (KHTML, like Gecko)';
const BLINK = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0';

describe('a user agent', () => {
  it.each([
    [
      'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
      ['Firefox', 'Linux', 'desktop'],
    ],
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${BLINK} Safari/537.36`, ['Chrome', 'Windows', 'desktop']],
    [
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${BLINK} Safari/537.36 Edg/142.0.0.0`,
      ['Microsoft Edge', 'Windows', 'desktop'],
    ],
    [
      `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${WEBKIT} Version/18.1 Safari/605.1.15`,
      ['Safari', 'macOS', 'desktop'],
    ],
    [
      `Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) ${WEBKIT} Version/18.1 Mobile/15E148 Safari/604.1`,
      ['Safari', 'iOS', 'mobile'],
    ],
    [
      `Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) ${WEBKIT} Version/17.5 Mobile/15E148 Safari/604.1`,
      ['Safari', 'iOS', 'tablet'],
    ],
    [`Mozilla/5.0 (Linux; Android 10; K) ${BLINK} Mobile Safari/537.36`, ['Chrome', 'Android', 'mobile']],
    [`Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${BLINK} Safari/537.36`, ['Chrome', 'Chrome OS', 'desktop']],
    [
      `Mozilla/5.0 (PlayStation; PlayStation 5/6.50) ${WEBKIT} Version/15.4 Safari/605.1.15`,
      ['Safari', 'PlayStation', 'tv'],
    ],
    [`Mozilla/5.0 (PlayStation 4 11.00) ${WEBKIT}`, ['PlayStation 4', 'PlayStation', 'tv']],
    [
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) ${BLINK} Safari/537.36 Edge/44.18363.8131`,
      ['Microsoft Edge', 'Xbox', 'tv'],
    ],
  ])('%s', (header, [browser, system, device]) => {
    expect(parseUserAgent(header)).toEqual({ userAgent: header, browser, system, device, bot: false });
  });

  it.each([
    'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
    'Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)',
    'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)',
    'curl/8.5.0',
    'python-requests/2.32.3',
  ])('of a bot is marked: %s', (header) => {
    expect(parseUserAgent(header)).toMatchObject({ userAgent: header, device: 'bot', bot: true });
  });

  it.each([
    ['Instagram', 'Instagram 334.0.4.32.98'],
    ['Facebook', '[FBAN/FBIOS;FBAV/467.0.0.38.108;FBBV/606788312]'],
    ['Messenger', '[FBAN/MessengerForiOS;FBAV/460.0.0.32.108;FBBV/606788312]'],
    ['TikTok', 'musical_ly_34.9.0 JsSdk/2.0 NetType/WIFI Channel/App Store BytedanceWebview/d8a21c6'],
    ['LinkedIn', '[LinkedInApp]/9.29.8962'],
    ['Google App', 'GSA/319.0.642042413 Mobile/15E148 Safari/604.1'],
  ])('of the browser in an app names the app: %s', (browser, mark) => {
    const iPhone = `Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) ${WEBKIT} Mobile/15E148`;
    const android = `Mozilla/5.0 (Linux; Android 14; Pixel 8; wv) ${BLINK} Mobile Safari/537.36`;
    expect(parseUserAgent(`${iPhone} ${mark}`)).toMatchObject({ browser, system: 'iOS', device: 'mobile' });
    expect(parseUserAgent(`${android} ${mark}`)).toMatchObject({
      browser,
      system: 'Android',
      device: 'mobile',
    });
    expect(parseUserAgent(iPhone).browser).toBe('Safari');
    expect(parseUserAgent(`${android} [FB_IAB/FB4A;FBAV/466.1.0.57.85;]`).browser).toBe('Facebook');
  });

  it.each([undefined, null, ''])('%j is none', (header) => {
    expect(parseUserAgent(header)).toEqual({
      userAgent: null,
      browser: null,
      system: null,
      device: null,
      bot: false,
    });
  });

  it('is cut after 1,024 characters, at a whole one', () => {
    expect(parseUserAgent('x'.repeat(1024)).userAgent).toHaveLength(1024);
    expect(parseUserAgent('x'.repeat(1025)).userAgent).toHaveLength(1024);
    expect(parseUserAgent('🦋'.repeat(2000)).userAgent).toBe('🦋'.repeat(1024));
    expect(parseUserAgent(`${'x'.repeat(1023)}🦋🦋`).userAgent).toBe(`${'x'.repeat(1023)}🦋`);
  });

  it('keeps a replacement character for what databases cannot store', () => {
    expect(parseUserAgent('a\0b\ud800').userAgent).toBe('a\uFFFDb\uFFFD');
  });

  it('never fails to be read, and fits into the table, whatever it says', () => {
    const words = fc.constantFrom(
      'Mozilla/5.0',
      'Chrome/',
      'Version/',
      'iPhone',
      'Android ',
      'Windows NT ',
      'SmartTV',
      '(',
      ')',
      ';',
      ' ',
      '9'.repeat(50),
      'bot',
    );
    const alike = fc.array(fc.oneof(words, fc.string()), { maxLength: 40 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(alike, fc.string({ unit: 'binary' })), (header) => {
        const { userAgent, browser, system, device, bot } = parseUserAgent(header);
        const limits: [string | null, number][] = [
          [userAgent, 1024],
          [browser, 64],
          [system, 64],
          [device, 16],
        ];
        for (const [text, characters] of limits) {
          expect(Array.from(text ?? '').length).toBeLessThanOrEqual(characters);
          expect(isStorable(text ?? '')).toBe(true);
        }
        expect(typeof bot).toBe('boolean');
      }),
      { numRuns: 500 },
    );
  });

  it('that is built to be slow is read in no time', () => {
    const started = performance.now();
    for (const part of ['Mozilla/5.0 (', ' (', 'a ', '9', '; ', 'Version/1 ', 'like ', '\t']) {
      parseUserAgent(part.repeat(100_000));
    }
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
