import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { toCall } from '../../lib/context/call.js';

class Orders {
  pay(this: void): void {}
}

const request = { method: 'POST', headers: {} };
const response = { getHeader: () => undefined, removeHeader: () => {} };
const ROOT = { path: { prev: undefined } };

function callOf(type: string, args: unknown[]): ReturnType<typeof toCall> {
  const context = new ExecutionContextHost(args, Orders, Orders.prototype.pay);
  context.setType(type);
  return toCall(context);
}

describe('a call by HTTP', () => {
  it('has the request, the response and what they hold', () => {
    const full = { ...request, params: { id: '1' }, query: { a: 'b' }, body: { c: 1 } };
    const args = [full, response, (): void => {}];
    expect(callOf('http', args)).toEqual({
      request: full,
      response,
      given: { request: full, params: { id: '1' }, query: { a: 'b' }, body: { c: 1 }, args },
      handlerName: 'Orders.pay',
    });
  });

  it('has no parameters if the request has none', () => {
    expect(callOf('http', [request, response])?.given).toMatchObject({
      params: {},
      query: {},
      body: undefined,
    });
  });
});

describe('a call by GraphQL', () => {
  const ask = (graphql: object | undefined, info: unknown = ROOT): ReturnType<typeof toCall> =>
    callOf('graphql', [undefined, { id: '1' }, graphql, info]);

  it.each<[string, object]>([
    ['req and res', { req: request, res: response }],
    ['request and reply', { request, reply: response }],
    ['a request that has its response', { req: { ...request, res: response } }],
  ])('has the request and the response of a context with %s', (_, graphql) => {
    const call = ask(graphql);
    expect(call?.request).toMatchObject(request);
    expect(call?.response).toBe(response);
    expect(call?.given.request).toBe(call?.request);
  });

  it('has the request of the reply', () => {
    const reply = { ...response, request };
    expect(ask({ reply })).toMatchObject({ request, response: reply });
  });

  it('has the arguments as parameters', () => {
    const call = ask({ req: request });
    expect(call?.given).toMatchObject({ params: { id: '1' }, query: {}, body: undefined });
    expect(call?.given.args).toHaveLength(4);
    expect(call?.handlerName).toBe('Orders.pay');
  });

  it('may have no context', () => {
    expect(ask(undefined)).toMatchObject({ request: undefined, response: undefined });
  });

  it.each<[string, unknown]>([
    ['a field below the root', { path: { prev: {} } }],
    ['a reference', undefined],
  ])('is none for %s', (_, info) => {
    expect(callOf('graphql', [undefined, {}, { req: request }, info])).toBeUndefined();
  });

  it('is one for a field of which no path is known', () => {
    expect(ask({ req: request }, {})).toBeDefined();
  });
});

it.each(['ws', 'rpc'])('a call of a gateway or a microservice (%s) has only its arguments', (type) => {
  const args = [{ id: 'client' }, { message: 1 }];
  expect(callOf(type, args)).toEqual({
    request: undefined,
    response: undefined,
    given: { request: undefined, params: {}, query: {}, body: undefined, args },
    handlerName: 'Orders.pay',
  });
});
