import { once } from 'node:events';
import { Readable } from 'node:stream';
import { Controller, Get, Query, Res, UseInterceptors } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ActivityService } from '../activity/activity.service.js';
import { Document } from '../export/document.js';
import { formatOf } from '../export/format.js';
import { type Page, pagesOf } from '../export/pages.js';
import { sendStream, type StreamResponse } from '../http-stream.js';
import { ExportQuery } from './activities.query.js';
import { ApiErrorInterceptor } from './api-error.interceptor.js';
import { NoStoreInterceptor } from './no-store.interceptor.js';
import { queryPipe } from './query.pipe.js';

const TYPES = { csv: 'text/csv; charset=utf-8', ndjson: 'application/x-ndjson' };

/** All activities of a filter, as the command line exports them. */
@Controller()
@UseInterceptors(NoStoreInterceptor, ApiErrorInterceptor)
export class ExportController {
  constructor(
    private readonly activities: ActivityService,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  @Get('activities/export')
  async export(
    @Query(queryPipe) { format, ...filter }: ExportQuery,
    @Res() response: StreamResponse,
  ): Promise<void> {
    const written = formatOf(format);
    const pages = pagesOf(this.activities, written, filter);
    const stream = Readable.from(piecesOf(new Document(written), pages), { objectMode: false });
    // What is wrong before there is anything to send has an answer of its own.
    await once(stream, 'readable');
    sendStream(this.adapterHost, response, stream, {
      type: TYPES[format],
      disposition: `attachment; filename="activities.${format}"`,
    });
  }
}

async function* piecesOf(
  document: Document,
  pages: AsyncIterable<Page>,
): AsyncGenerator<string | Uint8Array, void, void> {
  for await (const page of pages) {
    // Who sends them may not be done with them when the next page is made.
    for (const piece of document.add(page)) yield typeof piece === 'string' ? piece : Buffer.from(piece);
  }
  yield document.end();
}
