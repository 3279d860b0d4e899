import { Injectable } from '@nestjs/common';
import { ActivityService } from '../activity/activity.service.js';
import { parseScope, scopeKey } from '../activity/activity-scope.js';
import type { ScopedActivities } from '../activity/scoped-activities.js';
import { VisibleScopes } from '../guards/visible-scopes.js';
import { ActivityStats } from '../statistics/activity.stats.js';

/** Activities and statistics as a request may see them: controllers have no others. */
@Injectable()
export class ScopedServices {
  constructor(
    private readonly activities: ActivityService,
    private readonly stats: ActivityStats,
    private readonly scopes: VisibleScopes,
  ) {}

  activitiesFor(request: object): ScopedActivities {
    return this.activities.scoped(this.scopes.of(request));
  }

  statsFor(request: object): ActivityStats {
    return this.stats.scoped(this.scopes.of(request));
  }

  /** Whether the request may see everything. */
  seesAll(request: object): boolean {
    return this.keyFor(request) === '';
  }

  /** Returns the same key for requests with equal scopes. */
  keyFor(request: object): string {
    const scope = parseScope(this.scopes.of(request));
    return scope ? scopeKey(scope) : '';
  }
}
