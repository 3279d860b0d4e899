import type { Server } from 'node:http';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { SETTINGS, type Settings } from '../options/settings.js';
import { monotonicClock } from '../time/clock.js';
import { ADAPTER_HOST } from './adapter-host.js';

/** Milliseconds between two looks whether Nest closes the server. */
const PACE = 20;
/** Milliseconds for the answers to what is given up after `writer.timeout`. */
const GRACE = 500;

/**
 * Lets the host's HTTP server close: it waits for its connections, and Node ends only those that are idle when it begins.
 * Nothing is ended while the server accepts requests, as hooks of the host may wait for a balancer to notice.
 */
@Injectable()
export class ServerConnections implements OnModuleDestroy, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(ADAPTER_HOST) private readonly adapterHost: HttpAdapterHost,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** The first that a shutdown does. */
  onModuleDestroy(): void {
    const server: Server | undefined = this.adapterHost.httpAdapter?.getHttpServer();
    // An application without a server, one that nobody has listen, and HTTP/2.
    if (!server?.listening || typeof server.closeAllConnections !== 'function') return;
    const { timeout } = this.settings.writer;
    const deadline = monotonicClock.now() + timeout + GRACE;
    clearInterval(this.timer);
    this.timer = setInterval(() => {
      if (server.listening) return;
      clearInterval(this.timer);
      endWhenAnswered(server);
      const left = deadline - monotonicClock.now();
      // If hooks of the host have taken longer, the latest requests have as much time as others have.
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
  // 0 would be no limit.
  server.keepAliveTimeout = 1;
  // Node 24 waits this much longer than the time-out that it announces to the client.
  if ('keepAliveTimeoutBuffer' in server) server.keepAliveTimeoutBuffer = 0;
}
