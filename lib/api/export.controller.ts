import { once } from 'node:events';
import { Readable } from 'node:stream';
import { Controller, Get, Query, Req, Res, UseInterceptors } from '@nestjs/common';
import { ACTIVITY_FIELDS } from '../activity/activity.filter.js';
import { UUID } from '../activity/field-reader.js';
import { cancellation, cancelledBy } from '../store/cancellation.js';
import { ExportDocument, type ExportPage, type ExportPages, type FormatName } from '../export/format.js';
import { createFormat } from '../export/row-formats.js';
import { exportPages } from '../export/pages.js';
import { ResponseStreams, type StreamResponse } from '../http/response-streams.js';
import { ExportQuery, queryPipe } from './activities.query.js';
import { ApiErrorInterceptor, DisconnectInterceptor } from './interceptors.js';
import { mergeFilter } from './merge-filter.js';
import { ScopedServices } from './scoped-services.js';
import { NoStoreInterceptor } from '../http/no-store.interceptor.js';

const TYPES: Record<FormatName, string> = {
  csv: 'text/csv; charset=utf-8',
  ndjson: 'application/x-ndjson',
  json: 'application/json; charset=utf-8',
};

/** Exports all activities of a filter, the oldest first, in the formats of the command line. */
@Controller()
@UseInterceptors(NoStoreInterceptor, ApiErrorInterceptor, DisconnectInterceptor)
export class ExportController {
  constructor(
    private readonly services: ScopedServices,
    private readonly streams: ResponseStreams,
  ) {}

  @Get('activities/export')
  async export(
    @Query(queryPipe) { format, raw, bom, after, ...query }: ExportQuery,
    @Req() request: object,
    @Res() response: StreamResponse,
  ): Promise<void> {
    const filter = mergeFilter(query, ACTIVITY_FIELDS);
    const activities = this.services.activitiesFor(request);
    const written = createFormat(format, { raw, bom });
    const cursor = after !== undefined && UUID.test(after) ? await activities.cursorOf(after) : after;
    const pages = cancelling(exportPages(activities, written, filter, cursor));
    // A resumed export of lines or rows has no second header; JSON is always a whole document.
    const document = new ExportDocument(written, cursor !== undefined && written.appendable);
    const stream = Readable.from(piecesOf(document, pages), { objectMode: false });
    // An error before the first byte is still answered with a status.
    await once(stream, 'readable');
    this.streams.send(response, stream, {
      type: TYPES[format],
      disposition: `attachment; filename="activities.${format}"`,
    });
  }
}

/** Cancels the query of a page when the client disconnects, also if the page is read outside of the request's context. */
async function* cancelling(pages: ExportPages): ExportPages {
  const signal = cancellation() ?? new AbortController().signal;
  try {
    for (;;) {
      const { value, done } = await cancelledBy(signal, () => pages.next());
      if (done) return;
      yield value;
    }
  } finally {
    await pages.return();
  }
}

async function* piecesOf(
  document: ExportDocument,
  pages: AsyncIterable<ExportPage>,
): AsyncGenerator<string | Uint8Array, void, void> {
  for await (const page of pages) {
    // Copies the buffer, because it is reused for the next page while this one is being sent.
    for (const piece of document.write(page)) yield typeof piece === 'string' ? piece : Buffer.from(piece);
  }
  yield document.end();
}
