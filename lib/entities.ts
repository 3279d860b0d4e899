import { Activity } from './activity/activity.entity.js';
import { Session } from './activity/session.entity.js';
import { DirtyRange } from './store/typeorm/statistics/rollup/tables/dirty-range.entity.js';
import { SigningKey } from './privacy/signing-key.entity.js';
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
  Activity,
  Session,
  DirtyRange,
  SigningKey,
  Path,
  Visit,
  NameRollup,
  PathRollup,
  DailyCount,
  RollupState,
];
