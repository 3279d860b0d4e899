export { DjaffarTestingModule, type DjaffarTestingOptions } from './testing.module.js';
export { type OverridableModule, TrackedActivities, type WaitOptions } from './tracked-activities.js';
