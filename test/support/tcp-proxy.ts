import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A proxy between a host and its database that can go silent: it then forwards nothing, and closes nothing. */
export class TcpProxy {
  private isSilent = false;
  private isNextLost = false;
  /** Milliseconds, minimum and maximum. */
  private latency: [number, number] | undefined;
  /** In bytes. */
  private swallowed = 0;
  private readonly sockets = new Set<Socket>();
  /** Those that {@link silenceNext} has silenced. */
  private readonly silenced = new Set<Socket>();
  /** Delayed data keep their order. */
  private readonly delayed = new WeakMap<Socket, Promise<void>>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
    private readonly target: URL,
  ) {
    server.on('connection', (socket: Socket) => this.forward(socket));
  }

  /** @param listenOn a port; default: any that is free */
  static async start(url: string, listenOn = 0): Promise<TcpProxy> {
    const server = createServer().listen(listenOn, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address !== 'object' || !address) throw new Error('no port');
    return new TcpProxy(server, address.port, new URL(url));
  }

  /** Resolves when data were dropped. */
  async untilSwallowed(): Promise<void> {
    while (this.swallowed === 0) await pause(5);
  }

  get connections(): number {
    return this.sockets.size;
  }

  /** How many of the connections that {@link silenceNext} has silenced are still open. */
  get silencedConnections(): number {
    return this.silenced.size;
  }

  /** Silences the connection of the next request; the others work. */
  silenceNext(): void {
    this.isNextLost = true;
  }

  /** Delays the database's answers by so many milliseconds from now on. */
  delay(least: number, most: number): void {
    this.latency = [least, most];
  }

  silence(): void {
    this.isSilent = true;
  }

  /** New connections work again; silent ones remain silent, as with a load balancer that has lost its state. */
  heal(): void {
    this.isSilent = false;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private forward(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => {
      this.sockets.delete(socket);
      this.silenced.delete(socket);
    });
    let isLost = this.isSilent;
    if (isLost) {
      socket.resume();
      return;
    }
    const database = connect(Number(this.target.port), this.target.hostname);
    const isForwarded = (): boolean => !(isLost ||= this.isSilent);
    for (const [from, to] of [
      [socket, database],
      [database, socket],
    ] as const) {
      from.on('data', (data) => {
        if (from === socket && this.isNextLost) {
          isLost = true;
          this.isNextLost = false;
          this.silenced.add(socket);
        }
        if (isForwarded() && this.latency && from === database) this.writeLater(to, data, this.latency);
        else if (isForwarded()) to.write(data);
        else this.swallowed += data.length;
      });
      from.on('close', () => void (isForwarded() && to.destroy()));
      from.on('error', () => {});
    }
    socket.once('close', () => database.destroy());
  }

  private writeLater(to: Socket, data: Buffer, [least, most]: [number, number]): void {
    const before = this.delayed.get(to);
    const later = pause(least + Math.random() * (most - least));
    this.delayed.set(
      to,
      Promise.all([before, later]).then(() => void to.write(data)),
    );
  }
}
