import { Activity } from './activity/activity.entity.js';
import { Session } from './activity/session.entity.js';
import { DirtyRange } from './activity/dirty-range.entity.js';
import { SigningKey } from './privacy/signing-key.entity.js';
import { Path } from './statistics/rollup/path.entity.js';
import { DayCount } from './statistics/rollup/day-count.entity.js';
import { PathTotal, RollupState, Total } from './statistics/rollup/sums.entity.js';
import { Visit } from './statistics/rollup/visit.entity.js';

/** For the `entities` of a data source that does not load them by itself (`autoLoadEntities`). */
export const djaffarEntities = [
  Activity,
  Session,
  DirtyRange,
  SigningKey,
  Path,
  Visit,
  Total,
  PathTotal,
  DayCount,
  RollupState,
];
