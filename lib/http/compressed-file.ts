import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import { StreamableFile } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import type { TrackRequest } from './request.js';

type Encoding = 'br' | 'gzip' | 'identity';

const COMPRESS: Record<Encoding, (content: Buffer) => Promise<Buffer>> = {
  br: promisify<Buffer, Buffer>(brotliCompress),
  gzip: (content) => promisify<Buffer, { level: number }, Buffer>(gzip)(content, { level: 9 }),
  identity: (content) => Promise.resolve(content),
};

/**
 * A public file that is compressed once, on its first request. It checks `If-None-Match` itself, because calling the packages `etag` and
 * `fresh` would take as many lines.
 */
export class CompressedFile {
  private readonly hash: string;
  private readonly bodies = new Map<Encoding, Promise<Buffer>>();

  private readonly content: Buffer;

  /** @param cacheControl the `Cache-Control` header */
  constructor(
    content: string,
    private readonly type: string,
    private readonly cacheControl: string,
  ) {
    this.content = Buffer.from(content);
    this.hash = createHash('sha256').update(content).digest('base64url').slice(0, 22);
  }

  /** Sends the file directly, so that interceptors of the host cannot change it. */
  async send(
    { httpAdapter }: HttpAdapterHost,
    request: Pick<TrackRequest, 'headers'>,
    response: object,
  ): Promise<void> {
    const encoding = encodingFor(request);
    // A strong validator must differ between encodings (RFC 9110, section 8.8.3).
    const etag = encoding === 'identity' ? `"${this.hash}"` : `"${this.hash}-${encoding}"`;
    const vary: string | string[] | undefined = httpAdapter.getHeader(response, 'Vary');
    httpAdapter.setHeader(response, 'ETag', etag);
    httpAdapter.setHeader(response, 'Cache-Control', this.cacheControl);
    httpAdapter.setHeader(response, 'Vary', [vary ?? [], 'Accept-Encoding'].flat().join(', '));
    if (isFresh(request.headers['if-none-match'], etag)) {
      httpAdapter.reply(response, undefined, 304);
      return;
    }
    const body = await this.compressed(encoding);
    if (encoding !== 'identity') httpAdapter.setHeader(response, 'Content-Encoding', encoding);
    httpAdapter.reply(response, new StreamableFile(body, { type: this.type, length: body.length }), 200);
  }

  private compressed(encoding: Encoding): Promise<Buffer> {
    const known = this.bodies.get(encoding);
    if (known) return known;
    const body = COMPRESS[encoding](this.content);
    this.bodies.set(encoding, body);
    return body;
  }
}

/** Returns the smallest encoding that the client accepts (RFC 9110, section 12.5.3). */
function encodingFor({ headers }: Pick<TrackRequest, 'headers'>): Encoding {
  const accepted = headers['accept-encoding']?.toLowerCase() ?? '';
  const weights = new Map(
    accepted.split(',').map((each) => {
      const [encoding = '', weight] = each.split(';').map((part) => part.trim());
      return [encoding, weight?.startsWith('q=') ? Number(weight.slice(2)) : 1];
    }),
  );
  const isAccepted = (encoding: string): boolean => (weights.get(encoding) ?? weights.get('*') ?? 0) > 0;
  return (['br', 'gzip'] as const).find(isAccepted) ?? 'identity';
}

/** `If-None-Match` uses weak comparison (RFC 9110, section 13.1.2). */
function isFresh(ifNoneMatch: string | undefined, etag: string): boolean {
  const known = ifNoneMatch?.split(',').map((each) => each.trim().replace(/^W\//, '')) ?? [];
  return known.includes(etag) || known.includes('*');
}
