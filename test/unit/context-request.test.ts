import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import fastify from 'fastify';
import { parsePath, readRoute, setCookie, setRetryAfter } from '../../lib/context/request.js';

const request = { method: 'GET', headers: {} };

describe('the path of a request', () => {
  it.each([
    ['/a/b', '/a/b'],
    ['/a?b=/c', '/a'],
    ['/a#b?c', '/a'],
    ['?a', null],
    ['', null],
    [undefined, null],
  ])('%j is %j', (url, path) => {
    expect(parsePath({ ...request, url })).toBe(path);
  });

  it('is the one that was asked for, although a router has changed it', () => {
    expect(parsePath({ ...request, url: '/b', originalUrl: '/a/b?c' })).toBe('/a/b');
  });
});

describe('the route of a request', () => {
  it.each([
    ['Express', { route: { path: '/:id' } }, '/:id'],
    ['a router of Express', { baseUrl: '/orders', route: { path: '/:id' } }, '/orders/:id'],
    ['Express with a regular expression', { baseUrl: '/orders', route: { path: /x/ } }, null],
    ['Express before routing', { baseUrl: '/orders' }, null],
    ['Fastify', { routeOptions: { url: '/orders/:id' }, route: { path: '/x' } }, '/orders/:id'],
    ['Fastify without a route', { routeOptions: {}, route: { path: '/x' } }, null],
  ])('of %s', (_, given, route) => {
    expect(readRoute({ ...request, ...given })).toBe(route);
  });
});

describe('the headers of an answer of Express', () => {
  let response: ServerResponse;

  beforeEach(() => {
    response = new ServerResponse(new IncomingMessage(new Socket()));
  });

  it('ask the client to try again in a second', () => {
    setRetryAfter(response);
    expect(response.getHeader('Retry-After')).toBe('1');
  });

  it('have a cookie beside those of others, which replaces an earlier one', () => {
    setCookie(response, 'a', 'a=1; Path=/');
    expect(response.getHeader('Set-Cookie')).toEqual(['a=1; Path=/']);
    response.appendHeader('Set-Cookie', 'ab=2');
    setCookie(response, 'a', 'a=3');
    expect(response.getHeader('Set-Cookie')).toEqual(['ab=2', 'a=3']);
  });

  it('have a cookie beside a single one', () => {
    response.setHeader('Set-Cookie', 'b=2');
    setCookie(response, 'a', 'a=1');
    expect(response.getHeader('Set-Cookie')).toEqual(['b=2', 'a=1']);
  });

  it('are left as they are if they have been sent', () => {
    response.flushHeaders();
    setRetryAfter(response);
    setCookie(response, 'a', 'a=1');
    expect(response.getHeaderNames()).not.toContain('retry-after');
    expect(response.getHeaderNames()).not.toContain('set-cookie');
  });
});

describe('the headers of an answer of another kind', () => {
  const without = { getHeader: (): undefined => undefined, removeHeader: (): void => {} };

  it('are set if it does not say whether they have been sent', () => {
    const set = jest.fn();
    const response = { ...without, setHeader: set };
    setRetryAfter(response);
    setCookie(response, 'a', 'a=1');
    expect(set.mock.calls).toEqual([
      ['Retry-After', '1'],
      ['set-cookie', ['a=1']],
    ]);
  });

  it.each([
    ['Express', {}],
    ['Fastify', { raw: { headersSent: false } }],
  ])('are not set if it is similar to one of %s but cannot set any', (_, given) => {
    const response = { ...without, ...given };
    expect(() => {
      setRetryAfter(response);
      setCookie(response, 'a', 'a=1');
    }).not.toThrow();
  });
});

describe('the headers of an answer of Fastify', () => {
  it('ask the client to try again, and have a cookie beside those of others', async () => {
    const app = fastify();
    app.get('/', async (_request, reply) => {
      setCookie(reply, 'a', 'a=1');
      reply.header('set-cookie', 'b=2');
      setCookie(reply, 'a', 'a=3');
      setRetryAfter(reply);
      return '';
    });
    const { headers } = await app.inject('/');
    expect(headers).toMatchObject({ 'retry-after': '1', 'set-cookie': ['b=2', 'a=3'] });
    await app.close();
  });

  it('are left as they are if they have been sent', async () => {
    const app = fastify();
    app.get('/', (_request, reply) => {
      reply.hijack();
      reply.raw.writeHead(200);
      setRetryAfter(reply);
      setCookie(reply, 'a', 'a=1');
      reply.raw.end(JSON.stringify(reply.getHeaders()));
    });
    expect((await app.inject('/')).json()).toEqual({});
    await app.close();
  });
});
