import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** The fault that the proxy simulates for a tracking request. */
export type Fault =
  /** The connection breaks before the host gets the request. */
  | 'refused'
  /** The host gets the request, and the connection breaks before its answer. */
  | 'unanswered'
  /** The front answers itself. */
  | { status: number; headers?: Record<string, string>; body?: string };

export interface Sent {
  ids: string[];
  path: string;
  size: number;
  /** When it arrived, by `performance.now()`. */
  at: number;
  /** The status that the browser got; `undefined` if it got none. */
  status?: number;
}

/** A page of a test. */
export interface Page {
  html: string;
  headers?: Record<string, string>;
}

/**
 * A proxy between the browser and the host: it answers navigations with the page of the test, forwards everything else,
 * and simulates faults.
 */
export class Front {
  /** The host's URL. */
  host = '';
  page: (path: string) => Page = () => ({ html: '' });
  /** Called for each tracking request. */
  fault: (sent: Sent) => Fault | undefined | Promise<Fault | undefined> = () => undefined;
  readonly sent: Sent[] = [];
  /** The ids that were answered 204. */
  readonly acknowledged = new Set<string>();

  private readonly events = new EventEmitter();
  /** Forwarded requests without an answer. */
  private readonly passing = new Set<Promise<void>>();
  private isClosed = false;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {
    server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
      this.answer(incoming, outgoing).catch(() => outgoing.destroy());
    });
  }

  static async start(): Promise<Front> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address !== 'object' || !address) throw new Error('no port');
    return new Front(server, `http://127.0.0.1:${address.port}`);
  }

  /** Resolves when the sent requests and their answers match. */
  async until(isReached: () => boolean): Promise<void> {
    while (!isReached()) await once(this.events, 'sent');
  }

  /** Resolves when no more requests can reach the host. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
    await Promise.allSettled(this.passing);
  }

  private async answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const path = incoming.url ?? '';
    if (incoming.headers['sec-fetch-mode'] === 'navigate') {
      const { html, headers } = this.page(path);
      outgoing.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', ...headers }).end(html);
      return;
    }
    const body = await buffer(incoming);
    if (incoming.method !== 'POST' || !path.endsWith('/djaffar/track/')) {
      await this.pass(incoming, body, outgoing);
      return;
    }
    const ids = (JSON.parse(body.toString()) as { activities: { id: string }[] }).activities.map(
      ({ id }) => id,
    );
    const sent: Sent = { ids, path, size: body.length, at: performance.now() };
    this.sent.push(sent);
    this.events.emit('sent');
    // Responds like a host that allows other origins; the origin of sandboxed frames is 'null'.
    if (incoming.headers.origin === 'null') outgoing.setHeader('Access-Control-Allow-Origin', 'null');
    const fault = await this.fault(sent);
    if (fault === 'refused') outgoing.destroy();
    else if (typeof fault === 'object') outgoing.writeHead(fault.status, fault.headers).end(fault.body);
    else await this.pass(incoming, body, outgoing, fault === 'unanswered');
    sent.status = outgoing.destroyed && !outgoing.writableEnded ? undefined : outgoing.statusCode;
    if (sent.status === 204) for (const id of ids) this.acknowledged.add(id);
    this.events.emit('sent');
  }

  private async pass(
    incoming: IncomingMessage,
    body: Buffer,
    outgoing: ServerResponse,
    isBroken = false,
  ): Promise<void> {
    if (this.isClosed) return;
    const asked = this.ask(incoming, body);
    const passed = asked.then(ignore, ignore);
    this.passing.add(passed);
    const { answer, content } = await asked.finally(() => this.passing.delete(passed));
    if (isBroken) outgoing.destroy();
    else outgoing.writeHead(answer.statusCode ?? 0, answer.headers).end(content);
  }

  private async ask(
    incoming: IncomingMessage,
    body: Buffer,
  ): Promise<{ answer: IncomingMessage; content: Buffer }> {
    // The host's routes are also available below /moved.
    const passed = request(new URL(incoming.url?.replace(/^\/moved/, '') ?? '', this.host), {
      method: incoming.method,
      headers: incoming.headers,
    });
    passed.end(body);
    const [answer] = (await once(passed, 'response')) as [IncomingMessage];
    return { answer, content: await buffer(answer) };
  }
}

function ignore(): void {}
