import { Readable } from 'node:stream';
import { Controller, Get, Header, Res } from '@nestjs/common';
import { map, type Observable, Subscription } from 'rxjs';
import { ResponseStreams, type StreamResponse } from '../http/response-streams.js';
import { ActivityStream } from './activity.stream.js';

/** If more bytes than this wait when an event comes, the client reads too slowly and has to come again. */
const MAX_WAITING = 2 ** 20;

/** New activities as server-sent events. Nest's `@Sse()` lets an interceptor of the host wrap each event, its name too. */
@Controller()
export class StreamController {
  private last = { text: '', bytes: Buffer.alloc(0) };

  constructor(
    private readonly stream: ActivityStream,
    private readonly streams: ResponseStreams,
  ) {}

  @Get('stream')
  // As it is, and at once: compression and proxies would wait for more.
  @Header('Cache-Control', 'no-store, no-transform')
  @Header('X-Accel-Buffering', 'no')
  // A connection that is kept for the next request would keep a server that shuts down waiting.
  @Header('Connection', 'close')
  events(@Res() response: StreamResponse): void {
    const bytes = this.stream.events().pipe(map((text) => this.bytesOf(text)));
    this.streams.send(response, readableOf(bytes), { type: 'text/event-stream' });
  }

  /** Encoded once for all who get the same text. */
  private bytesOf(text: string): Buffer {
    if (this.last.text !== text) this.last = { text, bytes: Buffer.from(text) };
    return this.last.bytes;
  }
}

function readableOf(events: Observable<Buffer>): Readable {
  // An event that is there already comes before subscribe() returns.
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
        // What waits is judged, not this event: one event alone may be larger.
        if (readable.readableLength > MAX_WAITING) readable.destroy(new Error('the client reads too slowly'));
        else readable.push(bytes);
      },
      complete: () => readable.push(null),
    }),
  );
  return readable;
}
