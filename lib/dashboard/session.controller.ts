import {
  BadRequestException,
  Controller,
  Delete,
  HttpCode,
  NotFoundException,
  Post,
  Req,
  Res,
  UseInterceptors,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { NoStoreInterceptor } from '../http/no-store.interceptor.js';
import type { TrackRequest } from '../http/request.js';
import { BearerSession } from './bearer-session.js';

type SessionRequest = TrackRequest & { originalUrl: string };

/** Exchanges a bearer token for a cookie with which a browser can open the dashboard. */
@Controller()
@UseInterceptors(NoStoreInterceptor)
export class SessionController {
  constructor(
    private readonly session: BearerSession,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** The guards have accepted the token. */
  @Post('session')
  @HttpCode(204)
  begin(@Req() request: SessionRequest, @Res({ passthrough: true }) response: object): void {
    this.check(request);
    const { authorization } = request.headers;
    if (!authorization || this.session.isFromCookie(request.headers))
      throw new BadRequestException('send the token in the Authorization header');
    const cookie = this.session.cookieFor(authorization, request.protocol === 'https');
    if (!cookie) throw new BadRequestException('the token is too long for a cookie');
    this.adapterHost.httpAdapter.appendHeader(response, 'Set-Cookie', cookie);
  }

  @Delete('session')
  @HttpCode(204)
  end(@Req() request: SessionRequest, @Res({ passthrough: true }) response: object): void {
    this.check(request);
    const cookie = this.session.endCookie(request.protocol === 'https');
    this.adapterHost.httpAdapter.appendHeader(response, 'Set-Cookie', cookie);
  }

  /** Refuses a trailing slash, with which the cookie would belong to another folder. */
  private check({ originalUrl }: SessionRequest): void {
    if (!this.session.isOn)
      throw new NotFoundException('the option "dashboard.session" is not set: give it a secret');
    if (originalUrl.split('?', 1)[0]?.endsWith('/'))
      throw new NotFoundException('this route has no trailing slash');
  }
}
