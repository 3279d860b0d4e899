import { Activity } from './activity.entity.js';
import { Session } from './session.entity.js';

/** For the `entities` of a data source that does not load them by itself (`autoLoadEntities`). */
export const djaffarEntities = [Activity, Session];
