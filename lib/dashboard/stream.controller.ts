import { Readable } from 'node:stream';
import { Controller, Get, Header, Req, Res } from '@nestjs/common';
import { map, type Observable, Subscription } from 'rxjs';
import { ResponseStreams, type StreamResponse } from '../http/response-streams.js';
import { ScopedServices } from '../api/scoped-services.js';
import { StreamsByScope } from './streams-by-scope.js';

/** Bytes. If more are buffered when an event arrives, the client reads too slowly and is disconnected. */
const MAX_WAITING = 2 ** 20;

/** New activities as server-sent events. It does not use Nest's `@Sse()`, because the host's interceptors could wrap each event. */
@Controller()
export class StreamController {
  private last = { text: '', bytes: Buffer.alloc(0) };

  constructor(
    private readonly activities: StreamsByScope,
    private readonly services: ScopedServices,
    private readonly streams: ResponseStreams,
  ) {}

  @Get('stream')
  // Compression and buffering proxies would delay events.
  @Header('Cache-Control', 'no-store, no-transform')
  @Header('X-Accel-Buffering', 'no')
  // An idle keep-alive connection would delay a shutdown.
  @Header('Connection', 'close')
  events(@Req() request: object, @Res() response: StreamResponse): void {
    const { services } = this;
    const stream = this.activities.of(services.keyFor(request), services.activitiesFor(request));
    const bytes = stream.events().pipe(map((text) => this.toBytes(text)));
    this.streams.send(response, toReadable(bytes), { type: 'text/event-stream' });
  }

  /** Encodes a text once for all clients. */
  private toBytes(text: string): Buffer {
    if (this.last.text !== text) this.last = { text, bytes: Buffer.from(text) };
    return this.last.bytes;
  }
}

function toReadable(events: Observable<Buffer>): Readable {
  // An available event is emitted before subscribe() returns.
  const subscription = new Subscription();
  const readable = new Readable({
    read() {},
    destroy(error, done) {
      subscription.unsubscribe();
      done(error);
    },
  });
  subscription.add(
    events.subscribe({
      next: (bytes) => {
        // Checks only what was buffered before, because a single event may be larger.
        if (readable.readableLength > MAX_WAITING) readable.destroy(new Error('the client reads too slowly'));
        else readable.push(bytes);
      },
      complete: () => readable.push(null),
    }),
  );
  return readable;
}
