import { DirtyRange } from './store/typeorm/statistics/rollup/tables/dirty-range.entity.js';
import { activityTable } from './store/typeorm/tables/activity.table.js';
import { CookielessVisit } from './store/typeorm/tables/cookieless-visit.entity.js';
import { OutboxEntry, SubscriptionState } from './store/typeorm/tables/outbox.entity.js';
import { Outcome } from './store/typeorm/tables/outcome.entity.js';
import { RetentionState } from './store/typeorm/tables/retention.entity.js';
import { Salt } from './store/typeorm/tables/salt.entity.js';
import { sessionTable } from './store/typeorm/tables/session.table.js';
import { SigningKey } from './store/typeorm/tables/signing-key.entity.js';
import { Path } from './store/typeorm/statistics/rollup/tables/path.entity.js';
import { DailyCount } from './store/typeorm/statistics/rollup/tables/daily-count.entity.js';
import {
  PathRollup,
  RollupState,
  NameRollup,
} from './store/typeorm/statistics/rollup/tables/rollups.entity.js';
import { Visit } from './store/typeorm/statistics/rollup/tables/visit.entity.js';

/** For the `entities` of a data source that does not load them by itself (`autoLoadEntities`). */
export const djaffarEntities = [
  activityTable,
  sessionTable,
  DirtyRange,
  SigningKey,
  RetentionState,
  Salt,
  CookielessVisit,
  OutboxEntry,
  SubscriptionState,
  Outcome,
  Path,
  Visit,
  NameRollup,
  PathRollup,
  DailyCount,
  RollupState,
];
