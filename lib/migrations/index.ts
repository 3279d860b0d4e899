import { CreateDjaffar1763000000000 } from './1763000000000-create-djaffar.js';

/** For the `migrations` of the host's data source, beside its own. */
export const djaffarMigrations = [CreateDjaffar1763000000000];
