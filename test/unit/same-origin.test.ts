import { type ExecutionContext, ForbiddenException } from '@nestjs/common';
import { isOfOwnPage, SameOriginGuard } from '../../lib/guards/same-origin.guard.js';

it('lets in a request of a page of the requested host, and no other', () => {
  const isLetIn = (site: string): boolean => {
    const request = { headers: { 'sec-fetch-site': site, host: 'example.com' }, hostname: 'example.com' };
    const context: unknown = { switchToHttp: () => ({ getRequest: () => request }) };
    return new SameOriginGuard().canActivate(context as ExecutionContext);
  };
  expect(isLetIn('same-origin')).toBe(true);
  expect(() => isLetIn('cross-site')).toThrow(ForbiddenException);
});

describe('a request is of a page of the same host', () => {
  it.each([
    ['same-origin', true],
    ['none', true],
    ['same-site', false],
    ['cross-site', false],
    ['', false],
  ])('if the browser says so, whatever its origin: %j', (site, isOwn) => {
    const headers = { 'sec-fetch-site': site };
    expect(isOfOwnPage(headers, 'example.com')).toBe(isOwn);
    expect(isOfOwnPage({ ...headers, origin: 'https://example.com' }, 'example.com')).toBe(isOwn);
    expect(isOfOwnPage({ ...headers, origin: 'https://other.com' }, 'example.com')).toBe(isOwn);
  });

  it.each([
    [undefined, 'example.com', true],
    [undefined, undefined, true],
    ['https://example.com', 'example.com', true],
    ['http://example.com', 'example.com', true],
    ['https://example.com', 'example.com:443', true],
    ['http://example.com', 'example.com:80', true],
    ['https://example.com', 'example.com:80', false],
    ['https://example.com:8443', 'example.com:8443', true],
    ['https://example.com:8443', 'example.com', false],
    ['https://other.com', 'example.com', false],
    ['https://example.com.other.com', 'example.com', false],
    ['https://example.com', undefined, false],
    ['https://example.com', 'exa mple.com', false],
    ['null', 'example.com', false],
    ['', 'example.com', false],
    // Of no host, as that of a file.
    ['file://', '', false],
    ['file://', undefined, false],
  ])('if its origin %j has the host %j, or it has none: %s', (origin, host, isOwn) => {
    expect(isOfOwnPage({ origin }, host)).toBe(isOwn);
  });
});
