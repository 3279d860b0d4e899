import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** An account of the operating system. */
export interface Account {
  uid: number;
  gid: number;
}

/** Database servers do not run as root. */
export function accountOf(user: string): Account {
  const id = (option: string): number => Number(execFileSync('id', [option, user], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Below the ports that systems choose for connections: one of these could have the port while its server is stopped for a moment. */
const PORTS = { min: 20_000, max: 32_000 };

/** Returns a port for a server that is stopped and started again. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.min, PORTS.max);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    server.close();
    if (isFree) return port;
  }
}
