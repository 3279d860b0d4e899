import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { Logger, StreamableFile } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';

/** Of Express: Node's own; Fastify's holds it. */
export type StreamResponse = ServerResponse | { raw: ServerResponse };

/** Sends what is read at the client's pace, and reads no more when the client has gone. */
export function sendStream(
  { httpAdapter }: HttpAdapterHost,
  response: StreamResponse,
  stream: Readable,
  headers: { type: string; disposition?: string },
): void {
  const raw = 'raw' in response ? response.raw : response;
  if (raw.destroyed) {
    stream.destroy();
    return;
  }
  const breakOff = (): void => void raw.destroy();
  // What ended as usual would look whole.
  stream.once('error', (error) => {
    new Logger('Djaffar').error(`what was sent broke off: ${String(error)}`);
    breakOff();
  });
  raw.once('close', () => stream.destroy());
  httpAdapter.reply(response, new StreamableFile(stream, headers).setErrorHandler(breakOff), 200);
}
