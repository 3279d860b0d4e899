import { Controller, Get, Req, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { script } from '../generated/tracker.js';
import { PackedFile } from '../packed-file.js';
import type { TrackRequest } from './request.js';

/** An hour. A page that has an older script than the server loses nothing by it. */
const CACHE_CONTROL = 'public, max-age=3600';

/** Serves the browser's part, `tracker.js`. */
@Controller()
export class TrackerController {
  private readonly script = new PackedFile(script, 'text/javascript; charset=utf-8', CACHE_CONTROL);

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  @Get('tracker.js')
  async tracker(@Req() request: TrackRequest, @Res() response: object): Promise<void> {
    await this.script.send(this.adapterHost, request, response);
  }
}
