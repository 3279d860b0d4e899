import { readFile } from 'node:fs/promises';
import { Controller, Get, Req, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { PackedFile } from '../packed-file.js';
import type { TrackRequest } from './request.js';

/** Where the package's build, or `npm run build:browser`, has put it, seen from `lib` as from `dist`. */
const SCRIPT = new URL('../../dist/client/tracker.js', import.meta.url);

/** An hour. A page that has an older script than the server loses nothing by it. */
const CACHE_CONTROL = 'public, max-age=3600';

/** Serves the browser's part, `tracker.js`. */
@Controller()
export class TrackerController {
  private script: PackedFile | undefined;

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  @Get('tracker.js')
  async tracker(@Req() request: TrackRequest, @Res() response: object): Promise<void> {
    this.script ??= new PackedFile(await readFile(SCRIPT), 'text/javascript; charset=utf-8', CACHE_CONTROL);
    await this.script.send(this.adapterHost, request, response);
  }
}
