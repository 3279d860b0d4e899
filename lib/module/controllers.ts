import type { Type } from '@nestjs/common';
import { ActivitiesController, ErasureController } from '../api/activities.controller.js';
import { ExportController } from '../api/export.controller.js';
import { HealthController } from '../api/health.controller.js';
import { StatisticsController } from '../api/statistics.controller.js';
import { NoTrack } from '../context/track.decorator.js';
import { AboutController } from '../dashboard/about.controller.js';
import { bypassInterceptors } from '../dashboard/bypass-interceptors.js';
import { DashboardController } from '../dashboard/dashboard.controller.js';
import { SessionController } from '../dashboard/session.controller.js';
import { StreamController } from '../dashboard/stream.controller.js';
import type { Route } from '../guards/anonymous-request.js';
import { ApiGuard, DashboardGuard, type GuardedRoutes } from '../guards/option.guard.js';
import { mount } from '../http/mount.js';
import type { Registration } from '../options/settings.js';
import { TrackController } from '../tracking/track.controller.js';
import { TrackerController } from '../tracking/tracker.controller.js';

/** The controllers of one registration, by what they serve. */
export interface Controllers {
  tracking: Type<object>[];
  tracker: Type<object>[];
  api: Type<object>[];
  dashboard: Type<object>[];
  guarded: GuardedRoutes;
}

/** Creates the controllers below the paths of the registration, with its decorators. */
export function createControllers(registration: Registration): Controllers {
  const { path, route, decorators } = registration;
  const base = path.replace(/\/$/, '');
  const page = { path: `${base}/dashboard`, guard: DashboardGuard, ...registration.dashboard };
  const data = { ...page, path: `${page.path}/data` };
  const tracking = mount({ path: `${base}/${route}`, decorators }, [TrackController]);
  const tracker = mount({ path: `${base}/${registration.tracker}`, decorators }, [TrackerController]);
  const api = mount({ path, guard: ApiGuard, ...registration.api }, [
    ActivitiesController,
    ExportController,
    HealthController,
    StatisticsController,
  ]);
  const dashboard = [
    ...mount(page, [DashboardController, SessionController]),
    ...mount(data, [StreamController, ExportController]),
    ...mount(data, [
      AboutController,
      ActivitiesController,
      ErasureController,
      HealthController,
      StatisticsController,
    ]).map(bypassInterceptors),
  ];
  for (const controller of [...tracking, ...tracker, ...api, ...dashboard]) NoTrack()(controller);
  const guarded = {
    api: buildRoute(api, 'find', `${path}/activities`),
    dashboard: buildRoute(dashboard, 'index', `${page.path}/`),
  };
  return { tracking, tracker, api, dashboard, guarded };
}

/** Returns the route of a handler of the first controller. */
function buildRoute([controller]: Type<object>[], handler: string, path: string): Route {
  if (!controller) throw new Error(`Djaffar: no controller has ${handler}`);
  return { controller, handler, path: `/${path.replace(/^\//, '')}` };
}
