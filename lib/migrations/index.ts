import { CreateDjaffar1763000000000 } from './1763000000000-create-djaffar.js';
import { CreateDjaffarStatistics1764000000000 } from './1764000000000-create-djaffar-statistics.js';
import { CreateDjaffarView1765000000000 } from './1765000000000-create-djaffar-view.js';

/** The migrations of Djaffar, for the `migrations` of the host's data source. */
export const djaffarMigrations = [
  CreateDjaffar1763000000000,
  CreateDjaffarStatistics1764000000000,
  CreateDjaffarView1765000000000,
];
