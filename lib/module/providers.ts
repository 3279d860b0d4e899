import type { Provider } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { CurrentContext } from '../activity/activity.context.js';
import { ActivityService } from '../activity/activity.service.js';
import { ActivityWriter } from '../activity/activity.writer.js';
import { CommittedActivities } from '../activity/committed-activities.js';
import { PageResolver } from '../activity/page.js';
import { SessionClaims } from '../activity/session-claims.js';
import { Recorder } from '../activity/recorder.js';
import { VisitDurationLimit } from '../activity/visit-duration-limit.js';
import { describeRoutes } from '../api/openapi.js';
import { ScopedServices } from '../api/scoped-services.js';
import { HandlerTracker } from '../context/handler-tracker.js';
import { RequestContexts } from '../context/request-contexts.js';
import { RequestsInterceptor } from '../context/track.interceptor.js';
import { StreamsByScope } from '../dashboard/streams-by-scope.js';
import { ActivityStream } from '../dashboard/activity.stream.js';
import { MINUTE } from '../time/units.js';
import { BearerSession } from '../dashboard/bearer-session.js';
import { DashboardFiles } from '../dashboard/dashboard-files.js';
import { OutcomeCounter } from '../diagnostics/outcome-counter.js';
import { Telemetry } from '../diagnostics/telemetry.js';
import { HostGuards } from '../guards/host-guards.js';
import { GUARDED_ROUTES } from '../guards/option.guard.js';
import { VisibleScopes } from '../guards/visible-scopes.js';
import { DjaffarHealthIndicator } from '../health/health.indicator.js';
import { HealthService } from '../health/health.service.js';
import { OutcomeFlush } from '../health/outcome-flush.js';
import { ADAPTER_HOST_PROVIDER } from '../http/adapter-host.js';
import { ResponseStreams } from '../http/response-streams.js';
import { ServerConnections } from '../http/server-connections.js';
import { type Settings, SETTINGS, STORE } from '../options/settings.js';
import { RetentionService } from '../privacy/retention.service.js';
import { Salts } from '../privacy/salts.js';
import { SigningKeys } from '../privacy/signing-keys.js';
import { ActivityStats } from '../statistics/activity.stats.js';
import type { Store } from '../store/store.js';
import { ActivityListeners } from '../subscriptions/activity-listeners.js';
import { ActivitySubscriptions } from '../subscriptions/activity-subscriptions.js';
import { TelemetryLoader } from '../telemetry/telemetry.loader.js';
import { RefusalCounter } from '../tracking/refusal-counter.js';
import { CookielessVisitors } from '../tracking/cookieless-visitors.js';
import { GeoLoader } from '../tracking/geo.loader.js';
import { IdentifiedUsers } from '../tracking/user.js';
import { VisitorService } from '../tracking/visitor.service.js';
import type { Controllers } from './controllers.js';

/** Milliseconds that an event stream is open if nothing may run in the background: platforms end a request after 30 s. */
const SHORT_STREAM = 25_000;

const OPENAPI = Symbol('Djaffar OpenAPI');

/** Returns the providers that depend on the settings and the store only. */
export function createProviders({ tracking, tracker, api, dashboard, guarded }: Controllers): Provider[] {
  return [
    ADAPTER_HOST_PROVIDER,
    { provide: GUARDED_ROUTES, useValue: guarded },
    {
      provide: ActivityWriter,
      inject: [STORE, SETTINGS, Telemetry, CommittedActivities],
      useFactory: (
        store: Store,
        { writer, statistics, page }: Settings,
        telemetry: Telemetry,
        committed: CommittedActivities,
      ) => {
        const concurrency = Math.min(writer.concurrency, store.writers);
        return new ActivityWriter(
          store,
          { ...writer, concurrency },
          new PageResolver(page),
          undefined,
          statistics.background,
          committed,
          telemetry,
        );
      },
    },
    {
      provide: VisitDurationLimit,
      inject: [STORE],
      useFactory: (store: Store) => new VisitDurationLimit(store),
    },
    // Other modules of the process count and measure for themselves.
    { provide: OutcomeCounter, useFactory: () => new OutcomeCounter() },
    OutcomeFlush,
    RefusalCounter,
    HealthService,
    { provide: Telemetry, useFactory: () => new Telemetry() },
    TelemetryLoader,
    DjaffarHealthIndicator,
    ResponseStreams,
    ServerConnections,
    RequestContexts,
    HandlerTracker,
    {
      provide: APP_INTERCEPTOR,
      inject: [SETTINGS, HandlerTracker],
      // If this returns no interceptor, Nest adds none; one would slow down every request of the host.
      useFactory: ({ requests }: Settings, handlers: HandlerTracker) =>
        requests && new RequestsInterceptor(handlers, requests),
    },
    { provide: CurrentContext, useExisting: RequestContexts },
    Recorder,
    CommittedActivities,
    SessionClaims,
    ActivityListeners,
    ActivitySubscriptions,
    ActivityService,
    ActivityStats,
    {
      provide: StreamsByScope,
      inject: [SETTINGS],
      useFactory: ({ page: option, statistics, writer }: Settings) =>
        new StreamsByScope(
          (activities) =>
            new ActivityStream(activities, new PageResolver(option), {
              // The host's own functions take some time too.
              back: MINUTE + writer.timeout,
              ...(!statistics.background && { end: SHORT_STREAM }),
            }),
        ),
    },
    {
      provide: DashboardFiles,
      inject: [SETTINGS],
      useFactory: ({ dashboard: option }: Settings) => (option ? DashboardFiles.load() : DashboardFiles.none),
    },
    {
      provide: BearerSession,
      inject: [SETTINGS],
      useFactory: ({ dashboard: option }: Settings) => new BearerSession(option?.session),
    },
    {
      provide: OPENAPI,
      inject: [SETTINGS],
      useFactory: ({ api: isOn }: Settings) =>
        describeRoutes({
          described: isOn ? [...tracking, ...api] : tracking,
          hidden: [...tracker, ...dashboard, ...(isOn ? [] : api)],
        }),
    },
    GeoLoader,
    HostGuards,
    VisibleScopes,
    ScopedServices,
    IdentifiedUsers,
    SigningKeys,
    Salts,
    CookielessVisitors,
    RetentionService,
    VisitorService,
  ];
}
