import fc from 'fast-check';
import { defaultPage, PageResolver } from '../../lib/activity/page.js';
import { isStorable } from '../../lib/activity/text.js';
import { pageOf } from '../support/statistics/sources.js';

describe('the page of a path', () => {
  it.each([
    ['/', '/'],
    ['/products', '/products'],
    ['/products/', '/products'],
    ['/products//', '/products'],
    ['/products?utm_source=a', '/products'],
    ['/products/?fbclid=a/b?c', '/products'],
    ['/?', '/'],
    ['?q=a', '/'],
    ['', '/'],
    ['//', '/'],
    ['/docs#install', '/docs'],
    ['/docs?a#install?b', '/docs'],
    ['/#/cart?id=1', '/#/cart'],
    ['/app/#!/cart/', '/app#!/cart'],
    ['#/cart/?id=1', '#/cart'],
    ['#top', '#top'],
    ['?utm_source=a#/cart', '#/cart'],
  ])('of %j is %j', (path, page) => {
    expect(defaultPage(path)).toBe(page);
    expect(new PageResolver().find(path)).toBe(path === page ? null : page);
  });

  it('is the page of itself, as the model of the tests has it', () => {
    const aPath = fc
      .array(fc.constantFrom('/', '?', '#', '!', 'a', '🦋', '\n'))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(aPath, (path) => {
        expect(defaultPage(path)).toBe(pageOf(path));
        expect(defaultPage(defaultPage(path))).toBe(defaultPage(path));
      }),
    );
  });

  it('is what the option says, and the default if that fails or says nothing', () => {
    const pages = new PageResolver((path) =>
      path === '/empty?' ? '' : decodeURI(path).replace(/\d+/g, ':id'),
    );
    expect(pages.find('/orders/17')).toBe('/orders/:id');
    expect(pages.find('/orders')).toBeNull();
    expect(pages.find('/%zz?x')).toBe('/%zz');
    expect(pages.find('/empty?')).toBe('/empty');
    expect(isStorable(new PageResolver(() => 'a\0\ud800').find('/') ?? '')).toBe(true);
    expect(new PageResolver(() => 'a'.repeat(3000)).find('/')).toHaveLength(2048);
  });
});
