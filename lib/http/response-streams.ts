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

/** What is said in the log. */
const SUBJECT = 'what was sent broke off';

/** Of Express: Node's own; Fastify's holds it. */
export type StreamResponse = ServerResponse | { raw: ServerResponse };

/** Answers that are sent at the client's pace. A shutdown gives them `writer.timeout`, then breaks them off. */
@Injectable()
export class ResponseStreams implements BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly incidents = new IncidentLog();
  private readonly open = new Set<Readable>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(ADAPTER_HOST) private readonly adapterHost: HttpAdapterHost,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** Reads no more when the client has gone. */
  send(response: StreamResponse, stream: Readable, headers: { type: string; disposition?: string }): void {
    const raw = 'raw' in response ? response.raw : response;
    if (raw.destroyed) {
      stream.destroy();
      return;
    }
    this.open.add(stream);
    const breakOff = (): void => void raw.destroy();
    // What ended as usual would look whole.
    stream.once('error', (error) => {
      const reason = error.message;
      this.incidents.failed(SUBJECT, { code: reason, reason });
      breakOff();
    });
    stream.once('end', () => this.incidents.worked(SUBJECT));
    raw.once('close', () => {
      this.open.delete(stream);
      stream.destroy();
    });
    const file = new StreamableFile(stream, headers).setErrorHandler(breakOff);
    this.adapterHost.httpAdapter.reply(response, file, 200);
  }

  /** The server closes only after the last of them: a client that does not read would keep it open for ever. */
  beforeApplicationShutdown(): void {
    this.timer = setTimeout(() => {
      for (const stream of this.open) stream.destroy(new Error('the application is shutting down'));
    }, this.settings.writer.timeout);
  }

  onApplicationShutdown(): void {
    clearTimeout(this.timer);
  }
}
