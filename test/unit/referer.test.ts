import fc from 'fast-check';
import { isStorable } from '../../lib/activity/text.js';
import { pathOfReferer } from '../../lib/tracking/referer.js';

describe('the path of a Referer header', () => {
  it.each([
    ['https://example.org/shop?id=1#top', '/shop?id=1#top'],
    ['https://example.org:8443/a/b/', '/a/b/'],
    ['https://user:secret@example.org/a', '/a'],
    ['http://[::1]:3000/a', '/a'],
    ['HTTPS://EXAMPLE.ORG/A', '/A'],
    ['https://example.org', '/'],
    ['https://example.org/', '/'],
    ['https://example.org?id=1', '/?id=1'],
    ['https://example.org#top', '/#top'],
    ['https://example.org/a?to=https://other.org/b', '/a?to=https://other.org/b'],
    ['android-app://com.example/a', '/a'],
    ['/a/b?c=d', '/a/b?c=d'],
    ['a/b', 'a/b'],
    ['/a?to=https://other.org/b', '/a?to=https://other.org/b'],
    ['about:client', 'about:client'],
  ])('is what is left of %s without its scheme and host: %s', (referer, path) => {
    expect(pathOfReferer(referer)).toBe(path);
  });

  it.each([undefined, ''])('is missing if the header is %j', (referer) => {
    expect(pathOfReferer(referer)).toBeUndefined();
  });

  it('is cut after 2,048 characters, at a whole one', () => {
    expect(pathOfReferer(`https://example.org/${'x'.repeat(2047)}`)).toHaveLength(2048);
    expect(pathOfReferer(`https://example.org/${'x'.repeat(2048)}`)).toBe(`/${'x'.repeat(2047)}`);
    expect(pathOfReferer(`https://${'host'.repeat(1000)}/a`)).toBe('/a');
    expect(pathOfReferer('🦋'.repeat(3000))).toBe('🦋'.repeat(2048));
  });

  it('can be stored, whatever the header says', () => {
    const header = fc.oneof(
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
      fc.string({ unit: fc.integer({ min: 1, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
      fc.string({ unit: fc.constantFrom(...Array.from('ht:/?#@[]\\. \0')) }),
    );
    fc.assert(
      fc.property(header, (text) => {
        const path = pathOfReferer(text) ?? '';
        expect(path === '').toBe(text === '');
        expect(isStorable(path)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('of a URL is its path, query and fragment', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (url) => {
        const { origin } = new URL(url);
        const rest = url.slice(origin.length);
        expect(pathOfReferer(url)).toBe(rest.startsWith('/') ? rest : `/${rest}`);
      }),
    );
  });
});
