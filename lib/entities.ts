import { DirtyRange } from './store/typeorm/statistics/rollup/tables/dirty-range.entity.js';
import { activityTable, sessionTable } from './store/typeorm/tables/model.tables.js';
import { CookielessVisit, Salt } from './store/typeorm/tables/cookieless.entity.js';
import { OutboxEntry, SubscriptionState } from './store/typeorm/tables/outbox.entity.js';
import { Outcome } from './store/typeorm/tables/outcome.entity.js';
import { RetentionState } from './store/typeorm/tables/retention.entity.js';
import { SigningKey } from './store/typeorm/tables/signing-key.entity.js';
import {
  Path,
  PathRollup,
  NameRollup,
  DailyCount,
} from './store/typeorm/statistics/rollup/tables/rollups.entity.js';
import { RollupState } from './store/typeorm/statistics/rollup/tables/rollup-state.entity.js';
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
