import {
  type CanActivate,
  type ExecutionContext,
  Injectable,
  MethodNotAllowedException,
  NotFoundException,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { keepAddress, type TrackRequest } from '../http/request.js';
import { RefusalCounter } from './refusal-counter.js';

/** Accepts only `POST`. */
@Injectable()
export class MethodGuard implements CanActivate {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly refusals: RefusalCounter,
  ) {}

  /** @throws MethodNotAllowedException; for OPTIONS, which the host's CORS did not answer, NotFoundException as Nest does */
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<TrackRequest>();
    this.refusals.enter(request);
    keepAddress(request);
    const { method } = request;
    if (method === 'POST') return true;
    if (method === 'OPTIONS') throw new NotFoundException();
    this.adapterHost.httpAdapter.setHeader(context.switchToHttp().getResponse(), 'Allow', 'POST');
    throw new MethodNotAllowedException();
  }
}
