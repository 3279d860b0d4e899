import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationShutdown,
  StreamableFile,
} from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { IncidentLog } from '../diagnostics/incident-log.js';
import { SETTINGS, type Settings } from '../options/settings.js';
import { ADAPTER_HOST } from './adapter-host.js';

/** The text in the log. */
const SYMPTOM = 'an answer broke off';

/** Express uses Node's response, Fastify wraps it. */
export type StreamResponse = ServerResponse | { raw: ServerResponse };

/** Answers that are sent at the client's pace. At shutdown they are cut after `writer.timeout`. */
@Injectable()
export class ResponseStreams implements BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly incidents = new IncidentLog();
  private readonly open = new Set<Readable>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(ADAPTER_HOST) private readonly adapterHost: HttpAdapterHost,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** Sends a stream, and destroys it when the client disconnects. */
  send(response: StreamResponse, stream: Readable, headers: { type: string; disposition?: string }): void {
    const raw = 'raw' in response ? response.raw : response;
    if (raw.destroyed) {
      stream.destroy();
      return;
    }
    this.open.add(stream);
    const breakOff = (): void => void raw.destroy();
    // A normal end would look complete to the client.
    stream.once('error', (error) => {
      const reason = error.message;
      this.incidents.failed(SYMPTOM, { code: reason, reason });
      breakOff();
    });
    stream.once('end', () => this.incidents.worked(SYMPTOM));
    raw.once('close', () => {
      this.open.delete(stream);
      stream.destroy();
    });
    const file = new StreamableFile(stream, headers).setErrorHandler(breakOff);
    this.adapterHost.httpAdapter.reply(response, file, 200);
  }

  /** The server closes only after the last answer, and a client that does not read would keep it open forever. */
  beforeApplicationShutdown(): void {
    this.timer = setTimeout(() => {
      for (const stream of this.open) stream.destroy(new Error('the application is shutting down'));
    }, this.settings.writer.timeout);
  }

  onApplicationShutdown(): void {
    clearTimeout(this.timer);
  }
}
