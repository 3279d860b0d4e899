import type { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { Subject } from 'rxjs';
import { StreamController } from '../../lib/dashboard/stream.controller.js';

const MEBIBYTE = 'x'.repeat(2 ** 20);

describe('a live stream', () => {
  let events: Subject<string>;
  let stream: Readable;

  beforeEach(() => {
    events = new Subject();
    const streams = { of: () => ({ events: () => events }) };
    const services = { keyFor: () => '', activitiesFor: () => ({}) };
    const responses = { send: (_: unknown, sent: Readable) => void (stream = sent) };
    new StreamController(streams as never, services as never, responses as never).events({}, {} as never);
  });

  it('is cut off if more than 1 MiB waits that nobody reads', async () => {
    const errors: string[] = [];
    stream.on('error', ({ message }) => errors.push(message));
    events.next(`${MEBIBYTE}1`);
    expect(stream.destroyed).toBe(false);
    events.next('2');
    await turn();
    expect(errors).toEqual(['the client reads too slowly']);
    expect(events.observed).toBe(false);
  });

  it('goes on as long as it is read, however much that is', async () => {
    let read = 0;
    stream.on('data', (bytes: Buffer) => (read += bytes.length));
    for (let i = 0; i < 5; i++) {
      events.next(MEBIBYTE);
      await turn();
    }
    events.complete();
    await turn();
    expect({ read, isDestroyed: stream.errored }).toEqual({ read: 5 * 2 ** 20, isDestroyed: null });
  });
});
