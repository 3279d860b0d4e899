import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

export interface TlsProxy {
  url: string;
  /** A file with the certificate, for `NODE_EXTRA_CA_CERTS`. */
  certificate: string;
  close(): Promise<void>;
}

export interface TlsProxySettings {
  /** Changes the headers of an answer. */
  change?: (headers: IncomingMessage['headers']) => void;
}

/** Starts a proxy that accepts HTTPS and forwards to a host over HTTP, like nginx and load balancers. */
export async function startTlsProxy(host: string, { change }: TlsProxySettings = {}): Promise<TlsProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'djaffar-tls-'));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const options =
    'req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1';
  execFileSync('openssl', [...options.split(' '), '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  const forward = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const asked = request(new URL(incoming.url ?? '', host), {
      method: incoming.method,
      headers: { ...incoming.headers, 'x-forwarded-proto': 'https', 'x-forwarded-for': '8.8.8.8' },
    });
    const answered = once(asked, 'response') as Promise<[IncomingMessage]>;
    await pipeline(incoming, asked);
    const [answer] = await answered;
    change?.(answer.headers);
    outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
    await pipeline(answer, outgoing);
  };
  const server = createServer(
    { key: readFileSync(key), cert: readFileSync(certificate) },
    (incoming, outgoing) => void forward(incoming, outgoing).catch(() => outgoing.destroy()),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    certificate,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      await rm(folder, { recursive: true });
    },
  };
}
