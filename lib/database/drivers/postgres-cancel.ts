import { connect } from 'node:net';

/** The used part of pg's client. */
export interface Cancellable {
  processID: number;
  secretKey: unknown;
  host: string;
  port: number;
}

/** Milliseconds. */
const TIMEOUT = 5000;
const CANCEL_REQUEST = 80_877_102;

/**
 * Asks the server to cancel the client's statement, by PostgreSQL's protocol on a separate connection, because the pool may have
 * none left, and PgBouncer has other process ids.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
export function cancel({ host, port, processID, secretKey }: Cancellable): void {
  if (typeof secretKey !== 'number') return;
  const message = Buffer.alloc(16);
  message.writeInt32BE(16, 0);
  message.writeInt32BE(CANCEL_REQUEST, 4);
  message.writeInt32BE(processID, 8);
  message.writeInt32BE(secretKey, 12);
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  // The outcome is that of the statement itself; if the server cannot be reached, its connection is destroyed.
  socket.on('error', () => {});
  socket.setTimeout(TIMEOUT, () => socket.destroy());
  // A silent network must not keep the process alive.
  socket.unref();
  socket.end(message);
}
