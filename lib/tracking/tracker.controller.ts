import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type Registration, REGISTRATION, type Settings, SETTINGS } from '../options/settings.js';
import { keepsQueueInMemory } from '../privacy/privacy-modes.js';
import { script } from '../generated/tracker.js';
import { CompressedFile } from '../http/compressed-file.js';
import { isOfDoctor } from '../diagnostics/doctor-request.js';
import { OutcomeCounter } from '../diagnostics/outcome-counter.js';
import type { TrackRequest } from '../http/request.js';

/** An hour. An older script than the server's works as well. */
const CACHE_CONTROL = 'public, max-age=3600';

/** Serves the browser script, `tracker.js`. */
@Controller()
export class TrackerController {
  private readonly script: CompressedFile;

  constructor(
    @Inject(REGISTRATION) registration: Registration,
    @Inject(SETTINGS) settings: Settings,
    private readonly adapterHost: HttpAdapterHost,
    private readonly outcomes: OutcomeCounter,
  ) {
    this.script = new CompressedFile(
      withNames(script, registration, keepsQueueInMemory(settings)),
      'text/javascript; charset=utf-8',
      CACHE_CONTROL,
    );
  }

  @Get()
  async tracker(@Req() request: TrackRequest, @Res() response: object): Promise<void> {
    if (!isOfDoctor(request.headers)) this.outcomes.count('script');
    // Pages of other origins may load it, also if a middleware such as helmet forbids it for the host's other routes.
    this.adapterHost.httpAdapter.setHeader(response, 'Cross-Origin-Resource-Policy', 'cross-origin');
    await this.script.send(this.adapterHost, request, response);
  }
}

/**
 * Inserts the name of the script, which it looks for if it is a module, the name of the tracking route, and whether nothing may be
 * kept on the device.
 */
function withNames(text: string, { tracker, route }: Registration, inMemory: boolean): string {
  return text
    .replace('route:"track"', () => `route:"${route}"${inMemory ? ',storage:"memory"' : ''}`)
    .replace('"tracker.js"', () => `"${tracker}"`);
}
