import { parseHostname, parseHost } from '../../lib/http/host.js';

describe('the host of a request', () => {
  it.each([
    ['Express', 'shop.example', {}, 'shop.example:3000'],
    ['Fastify 4', 'shop.example:3000', {}, 'shop.example:3000'],
    ['an IPv6 address', '[::1]', { host: '[::1]:3000' }, '[::1]:3000'],
    ['a client of HTTP/1.0', undefined, { host: undefined }, undefined],
    [
      'a proxy that is trusted',
      'www.example',
      { 'x-forwarded-host': 'www.example:8443' },
      'www.example:8443',
    ],
    ['a proxy that is not', 'shop.example', { 'x-forwarded-host': 'evil.example' }, 'shop.example:3000'],
    [
      'the last of two proxies',
      'b.example',
      { 'x-forwarded-host': 'a.example, b.example:8443' },
      'b.example:8443',
    ],
    ['the first of two proxies', 'a.example', { 'x-forwarded-host': 'a.example, b.example' }, 'a.example'],
  ])('has its port, whatever the adapter gives: %s', (_, hostname, headers, host) => {
    const request = { headers: { host: 'shop.example:3000', ...headers }, ...(hostname && { hostname }) };
    expect(parseHost(request)).toBe(host);
    expect(parseHostname(request)).toBe(host?.replace(/:\d+$/, ''));
  });
});
