import { once } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { type CallHandler, NotFoundException, ServiceUnavailableException } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { ExpressAdapter } from '@nestjs/platform-express';
import { defer, lastValueFrom, of, throwError } from 'rxjs';
import { InvalidFilterError } from '../../lib/activity/activity.filter.js';
import { ApiErrorInterceptor, DisconnectInterceptor } from '../../lib/api/interceptors.js';
import { AbandonedError, cancellation } from '../../lib/store/cancellation.js';
import { UnavailableError } from '../../lib/store/unavailable.error.js';

let response: ServerResponse;

beforeEach(() => {
  const socket = new Socket();
  response = new ServerResponse(new IncomingMessage(socket));
  response.assignSocket(socket);
});

const contextOf = (given: object = response): ExecutionContextHost =>
  new ExecutionContextHost([response.req, given]);

describe('an error of the API', () => {
  const adapterHost = new HttpAdapterHost();
  adapterHost.httpAdapter = new ExpressAdapter();
  // The response of Express, which the adapter needs.
  const header = (name: string, value: string): unknown => response.setHeader(name, value);

  async function answer(given: unknown, unavailable?: UnavailableError): Promise<unknown> {
    const asked: unknown[] = [];
    const interceptor = new ApiErrorInterceptor(adapterHost, {
      toUnavailable: (error) => {
        asked.push(error);
        return unavailable;
      },
    });
    const next: CallHandler = { handle: () => throwError(() => given) };
    const found = await lastValueFrom(
      interceptor.intercept(contextOf(Object.assign(response, { set: header, header })), next),
    ).catch((thrown: unknown) => thrown);
    expect(asked.every((each) => each === given)).toBe(true);
    return found;
  }

  it('is 400 with the name of the parameter if a filter is wrong', async () => {
    const found = await answer(new InvalidFilterError('from', 'must be a date'), new UnavailableError('x'));
    expect(found).toMatchObject({
      status: 400,
      response: { errors: { from: ['from must be a date'] } },
    });
    expect(response.hasHeader('Retry-After')).toBe(false);
  });

  it('is 503 with a time to wait if the database does not answer', async () => {
    const cause = new Error('lost');
    const found = await answer(cause, new UnavailableError('the database does not answer'));
    expect(found).toBeInstanceOf(ServiceUnavailableException);
    expect(found).toMatchObject({ message: 'the database does not answer', cause });
    expect(response.getHeader('Retry-After')).toBe('5');
  });

  it('is thrown as it is if it is no trouble of the database', async () => {
    const fault = new Error('a fault');
    expect(await answer(fault)).toBe(fault);
    expect(response.hasHeader('Retry-After')).toBe(false);
  });

  it('is thrown as it is if it has a status of its own', async () => {
    const missing = new NotFoundException();
    expect(await answer(missing, new UnavailableError('x'))).toBe(missing);
  });
});

describe('the queries of a request', () => {
  const interceptor = new DisconnectInterceptor();

  async function signalFor(given?: object): Promise<AbortSignal> {
    const signal = await lastValueFrom(
      interceptor.intercept(contextOf(given), { handle: () => of(cancellation()) }),
    );
    if (!(signal instanceof AbortSignal)) throw new Error('no signal');
    return signal;
  }

  const disconnect = async (): Promise<void> => {
    response.destroy();
    await once(response, 'close');
  };

  it.each([
    ['Express', () => response],
    ['Fastify', () => ({ raw: response })],
  ])('are cancelled if the client of %s goes', async (_, create) => {
    const signal = await signalFor(create());
    expect(signal.aborted).toBe(false);
    await disconnect();
    expect(signal.reason).toBeInstanceOf(AbandonedError);
  });

  it('are cancelled at once if the client has gone before', async () => {
    await disconnect();
    expect((await signalFor()).reason).toBeInstanceOf(AbandonedError);
  });

  it('are not cancelled when the answer has been sent', async () => {
    const signal = await signalFor();
    Object.defineProperty(response, 'writableFinished', { value: true });
    response.emit('close');
    expect(signal.aborted).toBe(false);
  });

  it('are those that the handler asks', async () => {
    const handler: CallHandler = { handle: () => defer(() => of(1)) };
    expect(await lastValueFrom(interceptor.intercept(contextOf(), handler))).toBe(1);
    expect(cancellation()).toBeUndefined();
  });
});
