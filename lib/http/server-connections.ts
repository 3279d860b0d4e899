import type { Server } from 'node:http';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { SETTINGS, type Settings } from '../options/settings.js';
import { monotonicClock } from '../time/clock.js';
import { ADAPTER_HOST } from './adapter-host.js';

/** Milliseconds between two checks whether Nest has started to close the server. */
const PACE = 20;
/** Milliseconds after `writer.timeout` for the 503 responses to refused activities. */
const GRACE = 500;

/**
 * Ends connections at shutdown: the host's HTTP server waits for them, and Node ends only those that are idle at the start.
 * Nothing is ended while the server accepts requests, because hooks of the host may wait for a load balancer.
 */
@Injectable()
export class ServerConnections implements OnModuleDestroy, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(ADAPTER_HOST) private readonly adapterHost: HttpAdapterHost,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** Nest calls this hook first in a shutdown. */
  onModuleDestroy(): void {
    const server: Server | undefined = this.adapterHost.httpAdapter?.getHttpServer();
    // The application has no server, does not listen, or uses HTTP/2.
    if (!server?.listening || typeof server.closeAllConnections !== 'function') return;
    const { timeout } = this.settings.writer;
    const deadline = monotonicClock.now() + timeout + GRACE;
    clearInterval(this.timer);
    this.timer = setInterval(() => {
      if (server.listening) return;
      clearInterval(this.timer);
      endWhenAnswered(server);
      const left = deadline - monotonicClock.now();
      // If hooks of the host took longer than the deadline, the latest requests get the full time-out.
      this.timer = setTimeout(() => server.closeAllConnections(), left > 0 ? left : timeout);
    }, PACE);
  }

  /** The server is closed now. */
  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }
}

/** Ends each connection right after its answer. */
function endWhenAnswered(server: Server): void {
  // 0 means no limit.
  server.keepAliveTimeout = 1;
  // Node 24 adds this to the time-out that it announces to the client.
  if ('keepAliveTimeoutBuffer' in server) server.keepAliveTimeoutBuffer = 0;
}
