import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { Logger, type StreamableFile } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ResponseStreams } from '../../lib/http/response-streams.js';
import { toSettings } from '../../lib/options/validation.js';

const HEADERS = { type: 'text/csv', disposition: 'attachment' };

let replies: { response: unknown; file: StreamableFile; status: number }[];
let lines: string[];
let streams: ResponseStreams;

beforeEach(() => {
  jest.useFakeTimers();
  replies = [];
  lines = [];
  jest
    .spyOn(Logger.prototype, 'log')
    .mockImplementation((line: unknown) => lines.push(`log ${String(line)}`));
  jest
    .spyOn(Logger.prototype, 'error')
    .mockImplementation((line: unknown) => lines.push(`error ${String(line)}`));
  const adapterHost = new HttpAdapterHost();
  Object.defineProperty(adapterHost, 'httpAdapter', {
    value: {
      reply: (response: unknown, file: StreamableFile, status: number) =>
        replies.push({ response, file, status }),
    },
  });
  streams = new ResponseStreams(adapterHost, toSettings({ writer: { timeout: 2000 } }));
});

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

const newResponse = (): ServerResponse => new ServerResponse(new IncomingMessage(new Socket()));
const newStream = (): Readable => new Readable({ read() {} });
const turn = (): Promise<void> => jest.advanceTimersByTimeAsync(0);

describe('an answer that is streamed', () => {
  it.each([
    ['Express', (raw: ServerResponse) => raw],
    ['Fastify', (raw: ServerResponse) => ({ raw })],
  ])('is sent by the adapter of %s', async (_, wrap) => {
    const stream = newStream();
    const response = wrap(newResponse());
    streams.send(response, stream, HEADERS);
    expect(replies).toMatchObject([{ response, status: 200 }]);
    expect(replies[0]?.file.getStream()).toBe(stream);
    expect(replies[0]?.file.getHeaders()).toMatchObject(HEADERS);
  });

  it('is not begun if the client has gone', () => {
    const stream = newStream();
    const response = newResponse();
    response.destroy();
    streams.send(response, stream, HEADERS);
    expect(replies).toEqual([]);
    expect(stream.destroyed).toBe(true);
  });

  it('ends its stream when the client goes', async () => {
    const stream = newStream();
    const response = newResponse();
    streams.send(response, stream, HEADERS);
    expect(stream.destroyed).toBe(false);
    response.emit('close');
    expect(stream.destroyed).toBe(true);
    expect(lines).toEqual([]);
  });

  it('breaks off after an error, as a normal end would look complete; the log says so once, and when it works again', async () => {
    for (let i = 0; i < 2; i++) {
      const stream = newStream();
      const response = newResponse();
      streams.send(response, stream, HEADERS);
      stream.destroy(new Error('no connection'));
      await turn();
      expect(response.destroyed).toBe(true);
    }
    expect(lines).toEqual(['error an answer broke off: no connection']);
    const stream = newStream();
    streams.send(newResponse(), stream, HEADERS);
    stream.resume();
    stream.push(null);
    await turn();
    expect(lines[1]).toMatch(/^log over after .* \(2 times\): an answer broke off$/);
  });

  it('breaks off if Nest cannot send it', () => {
    const response = newResponse();
    streams.send(response, newStream(), HEADERS);
    replies[0]?.file.errorHandler(new Error('closed'), Object.assign(response, { send: () => {} }));
    expect(response.destroyed).toBe(true);
  });

  it('breaks off at shutdown after writer.timeout', async () => {
    const stream = newStream();
    streams.send(newResponse(), stream, HEADERS);
    const ended = newStream();
    const response = newResponse();
    streams.send(response, ended, HEADERS);
    response.emit('close');
    streams.beforeApplicationShutdown();
    await jest.advanceTimersByTimeAsync(1999);
    expect(stream.destroyed).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    expect(stream.destroyed).toBe(true);
    expect(lines).toEqual(['error an answer broke off: the application is shutting down']);
  });

  it('leaves no timer after the shutdown', () => {
    streams.beforeApplicationShutdown();
    streams.onApplicationShutdown();
    expect(jest.getTimerCount()).toBe(0);
  });
});
