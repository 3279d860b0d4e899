import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';

/** A proxy before several instances: each request goes to the next one. */
export class RoundRobin {
  /** URLs of the instances. */
  targets: string[] = [];
  /** How many answers were dropped, as if the connection had broken. */
  dropped = 0;
  private turn = 0;

  private constructor(
    private readonly server: Server,
    readonly url: string,
    private readonly dropEvery: number,
  ) {
    server.on('request', (incoming, answer) => this.forward(incoming, answer));
  }

  /** @param dropEvery the answer of each so-manieth POST is dropped, so that the client sends it again to another instance */
  static async start(dropEvery: number): Promise<RoundRobin> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address !== 'object' || !address) throw new Error('no port');
    return new RoundRobin(server, `http://127.0.0.1:${address.port}`, dropEvery);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private forward(incoming: IncomingMessage, answer: ServerResponse): void {
    this.turn += 1;
    const { turn, targets } = this;
    const target = targets[turn % targets.length];
    if (!target) {
      answer.writeHead(502).end();
      return;
    }
    const { method, headers } = incoming;
    const outgoing = request(new URL(incoming.url ?? '/', target), { method, headers });
    outgoing.on('response', (response) => {
      if (method === 'POST' && turn % this.dropEvery === 0) {
        this.dropped += 1;
        response.resume();
        answer.destroy();
        return;
      }
      answer.writeHead(response.statusCode ?? 502, response.headers);
      pipeline(response, answer).catch(() => answer.destroy());
    });
    outgoing.on('error', () => (answer.headersSent ? answer.destroy() : answer.writeHead(502).end()));
    answer.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  }
}
