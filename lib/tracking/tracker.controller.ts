import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { Controller, Get, Req, Res, StreamableFile } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import Negotiator from 'negotiator';
import type { TrackRequest } from './request.js';

/** Where the package's build, or `npm run build:browser`, has put it, seen from `lib` as from `dist`. */
const SCRIPT = new URL('../../dist/client/tracker.js', import.meta.url);

/** Seconds. A page that has an older script than the server loses nothing by it. */
const MAX_AGE = 3600;

interface Representation {
  body: Buffer;
  etag: string;
}

type Encoding = 'br' | 'gzip' | 'identity';

/** Serves the browser's part, `tracker.js`: the same to everybody, packed once. */
@Controller()
export class TrackerController {
  private representations: Record<Encoding, Representation> | undefined;

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  // The answer is sent from here, as an interceptor of the host might wrap what is returned.
  @Get('tracker.js')
  tracker(@Req() request: TrackRequest, @Res() response: object): void {
    const { httpAdapter } = this.adapterHost;
    const encoding = encodingFor(request);
    const { body, etag } = (this.representations ??= representationsOf(readFileSync(SCRIPT)))[encoding];
    httpAdapter.setHeader(response, 'ETag', etag);
    httpAdapter.setHeader(response, 'Cache-Control', `public, max-age=${MAX_AGE}`);
    httpAdapter.setHeader(response, 'Vary', 'Accept-Encoding');
    if (isKnown(request.headers['if-none-match'], etag)) {
      httpAdapter.reply(response, undefined, 304);
      return;
    }
    if (encoding !== 'identity') httpAdapter.setHeader(response, 'Content-Encoding', encoding);
    const type = 'text/javascript; charset=utf-8';
    httpAdapter.reply(response, new StreamableFile(body, { type, length: body.length }), 200);
  }
}

/** The smallest that the client takes. */
function encodingFor(request: TrackRequest): Encoding {
  const accepted = new Negotiator(request).encodings(['br', 'gzip']);
  return (['br', 'gzip'] as const).find((encoding) => accepted.includes(encoding)) ?? 'identity';
}

/** A strong validator tells the encodings apart (RFC 9110, section 8.8.3). */
function representationsOf(script: Buffer): Record<Encoding, Representation> {
  const hash = createHash('sha256').update(script).digest('base64url').slice(0, 22);
  return {
    br: { body: brotliCompressSync(script), etag: `"${hash}-br"` },
    gzip: { body: gzipSync(script, { level: 9 }), etag: `"${hash}-gzip"` },
    identity: { body: script, etag: `"${hash}"` },
  };
}

/** If-None-Match compares weakly (RFC 9110, section 13.1.2). */
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  const known = ifNoneMatch?.split(',').map((each) => each.trim().replace(/^W\//, '')) ?? [];
  return known.includes(etag) || known.includes('*');
}
