import { ForbiddenException, Injectable, Logger } from '@nestjs/common';
import type { ActivityScope } from '../activity/activity-scope.js';
import { parseScope } from '../activity/activity-scope.js';
import { RequestValue } from '../http/request-value.js';

/** The scope of each request to the API and the dashboard. The guard sets it; the controllers read it. */
@Injectable()
export class VisibleScopes {
  private readonly scopes = new RequestValue<ActivityScope>('activity scope');

  /**
   * @param find the option `scope`; without it, the request may see everything
   * @throws ForbiddenException if it returns nothing, or an undefined property: that would open everything
   */
  async find(
    request: object,
    find: ((request: unknown) => unknown) | undefined,
    option: string,
  ): Promise<void> {
    const scope = find ? await find(request) : {};
    try {
      this.scopes.set(request, checkScope(scope));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      new Logger('Djaffar').error(
        `the option "${option}.scope" returned a wrong scope: ${reason}; the request was refused`,
      );
      throw new ForbiddenException();
    }
  }

  /** @throws Error if the guard has not let the request in */
  of(request: object): ActivityScope {
    const scope = this.scopes.get(request);
    if (!scope) throw new Error('Djaffar: a request has no scope');
    return scope;
  }
}

function checkScope(scope: unknown): ActivityScope {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is checked by the next line
  const given = scope as ActivityScope;
  parseScope(given);
  return given;
}
