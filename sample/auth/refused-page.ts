import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/** A page that the user of a browser may not see. */
export class RefusedPage extends HttpException {
  constructor(cause: HttpException) {
    super(cause.message, cause.getStatus(), { cause });
  }
}

/** Redirects anonymous visitors to the login, which redirects them back. Others get a page that says who may see it. */
@Catch(RefusedPage)
export class RefusedPageFilter implements ExceptionFilter<RefusedPage> {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(refused: RefusedPage, host: ArgumentsHost): void {
    const { httpAdapter } = this.adapterHost;
    const [request, response] = [
      host.switchToHttp().getRequest<unknown>(),
      host.switchToHttp().getResponse<unknown>(),
    ];
    const login = `/?next=${encodeURIComponent(httpAdapter.getRequestUrl(request))}`;
    if (refused.getStatus() === 401) {
      httpAdapter.redirect(response, 302, login);
      return;
    }
    httpAdapter.setHeader(response, 'Content-Type', 'text/html; charset=utf-8');
    httpAdapter.reply(response, page(login), refused.getStatus());
  }
}

function page(login: string): string {
  return `<!doctype html><title>Refused</title><p>Only ada may see this. <a href="${login}">Log in as ada</a></p>`;
}
