export { Activity, type Properties, type StoredActivity } from './activity/activity.js';
export { type ActivityFilter, InvalidFilterError } from './activity/activity.filter.js';
export type {
  Matching,
  PropertyCondition,
  PropertyFilters,
  PropertyMatching,
  PropertyValue,
  TextCondition,
} from './activity/condition.js';
export type { ActivityContext, GivenContext } from './activity/activity.context.js';
export { ActivityService, type FeedOptions } from './activity/activity.service.js';
export type { ServerActivity, TrackOptions } from './activity/server-activity.js';
export type { ActivityScope } from './activity/activity-scope.js';
export { type AnonymiseOptions, type EraseOptions, ScopedActivities } from './activity/scoped-activities.js';
export type { FeedItem, PersonalRecord, PersonalVisit, UserSession } from './activity/user-activity.js';
export type { HostGroup } from './activity/group.js';
export type { Subject } from './activity/subject.js';
export { UnstorableError } from './activity/unstorable.error.js';
export { UnavailableError } from './store/unavailable.error.js';
export { type ValidationErrors, InvalidActivityError } from './activity/validation-errors.js';
export { mmdb } from './geo/mmdb.js';
export type { GeoDatabase, GeoOption } from './options/privacy.options.js';
export type { IpPolicy } from './activity/ip-address.js';
export { djaffarEntities } from './entities.js';
export type { Page, PageOptions } from './activity/pagination.js';
export { defaultPage } from './activity/page.js';
export { Session } from './activity/session.js';
export { createDataSource } from './module/own-data-source.js';
export { DjaffarModule } from './djaffar.module.js';
export type {
  DjaffarOptions,
  DjaffarOptionsFactory,
  HostGuard,
  HostUser,
  HttpMethod,
  RequestsOptions,
} from './options/djaffar.options.js';
export type {
  PrivacyMode,
  PrivacyOptions,
  PrivacySignalPolicy,
  RetentionPolicy,
} from './options/privacy.options.js';
export type {
  BearerSessionOptions,
  RegistrationOptions,
  RouteOptions,
  ScopeOptions,
} from './options/route.options.js';
export type {
  DatabaseOptions,
  PageOption,
  QuestionLimits,
  RollupSettings,
  StatisticsSettings,
  StoreFactory,
  StoreSettings,
  WriterSettings,
} from './options/store.options.js';
export {
  DjaffarHealthIndicator,
  type DjaffarHealthOptions,
  type DjaffarHealthResult,
} from './health/health.indicator.js';
export { consentCookie } from './tracking/consent.js';
export type { SaltRotation } from './privacy/salt.js';
export type { Duration } from './time/duration.js';
export { SECRET_PARAMETERS } from './options/secret-parameters.js';
export type { Handled } from './context/track.metadata.js';
export {
  NoTrack,
  Track,
  type TrackAlwaysOptions,
  type TrackHandlerOptions,
} from './context/track.decorator.js';
export { ActivitySubscriptions } from './subscriptions/activity-subscriptions.js';
export type { SubscriptionStatus } from './store/outbox.js';
export type {
  ActivityHandler,
  Delivery,
  SubscriptionOptions,
  WebhookOptions,
} from './options/subscription.options.js';
export type { ActivityPattern } from './activity/activity-pattern.js';
export { type NewDevice, OnActivity, OnNewDevice } from './subscriptions/on-activity.decorator.js';
export type * from './activity/activities.js';
export { djaffarMigrations } from './migrations/index.js';
export { ActivityStats } from './statistics/activity.stats.js';
export type { AmountMeasure, EngagementMeasure, PropertyMeasure } from './statistics/amount.js';
export type * from './statistics/question.types.js';
export type * from './statistics/statistics.types.js';
export type { Store } from './store/store.js';
export { VisitorService } from './tracking/visitor.service.js';
