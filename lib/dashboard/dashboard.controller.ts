import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { CompressedFile } from '../http/compressed-file.js';
import type { TrackRequest } from '../http/request.js';
import { DashboardFiles } from './dashboard-files.js';

type PageRequest = TrackRequest & { originalUrl: string };

/** Headers for hosts that set none. */
const SECURITY = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin',
};

/** Serves the page and its assets, which the page requests by relative URLs. */
@Controller()
export class DashboardController {
  constructor(
    private readonly files: DashboardFiles,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  @Get()
  async index(@Req() request: PageRequest, @Res() response: object): Promise<void> {
    const [path = '', ...query] = request.originalUrl.split('?');
    if (path.endsWith('/')) {
      await this.send(this.files.index, request, response);
      return;
    }
    const { httpAdapter } = this.adapterHost;
    // Relative, because a proxy may change the beginning of the path.
    httpAdapter.setHeader(response, 'Location', ['dashboard/', ...query].join('?'));
    httpAdapter.reply(response, undefined, 302);
  }

  @Get('assets/:name')
  async asset(
    @Param('name') name: string,
    @Req() request: PageRequest,
    @Res() response: object,
  ): Promise<void> {
    await this.send(this.files.asset(name), request, response);
  }

  private async send(file: CompressedFile, request: PageRequest, response: object): Promise<void> {
    const { httpAdapter } = this.adapterHost;
    for (const [name, value] of Object.entries(SECURITY))
      if (httpAdapter.getHeader(response, name) === undefined) httpAdapter.setHeader(response, name, value);
    await file.send(this.adapterHost, request, response);
  }
}
