import type { DjaffarOptions, HostGuard } from './djaffar.options.js';
import type { GeoOption, PrivacyMode, PrivacySignalPolicy } from './privacy.options.js';
import type { RegistrationOptions, RouteOptions } from './route.options.js';
import type { StatisticsSettings, WriterSettings } from './store.options.js';
import type { IpPolicy } from '../activity/ip-address.js';
import type { SaltRotation } from '../privacy/salt.js';
import { SECRET_PARAMETERS } from './secret-parameters.js';
import { DAY } from '../time/units.js';

/** The options with their defaults filled in. */
export interface Settings extends DjaffarOptions {
  guards: HostGuard[];
  rejectedCredentials: 'reject' | 'anonymous';
  requestContext: boolean;
  session: NonNullable<DjaffarOptions['session']> & {
    maxAge: number | 'browser';
    absoluteMaxAge: number;
    sameSite: 'lax' | 'none';
    claim: 'visit' | 'session';
  };
  privacy: NonNullable<DjaffarOptions['privacy']>;
  cookieless: { rotate: SaltRotation };
  withoutConsent: 'cookieless' | 'nothing';
  onWithdrawal: 'keep' | 'erase';
  respect: PrivacySignalPolicy;
  ip: IpPolicy;
  geo: GeoOption;
  scrub: readonly string[];
  writer: WriterSettings;
  statistics: StatisticsSettings;
}

export const PRIVACY_MODES: readonly PrivacyMode[] = ['identified', 'cookieless', 'cnil'];

export const DEFAULTS = {
  guards: [],
  rejectedCredentials: 'reject',
  requestContext: false,
  session: { maxAge: 14 * DAY, absoluteMaxAge: 395 * DAY, sameSite: 'lax', claim: 'visit' },
  privacy: 'identified',
  cookieless: { rotate: 'day' },
  withoutConsent: 'cookieless',
  onWithdrawal: 'keep',
  respect: 'ignore',
  ip: 'full',
  geo: false,
  scrub: SECRET_PARAMETERS,
  writer: { maxWaiting: 10_000, maxBatch: 500, concurrency: 2, timeout: 5_000 },
  statistics: {
    maxWait: 1000,
    concurrency: 4,
    timeout: 30_000,
    statementTimeout: 30_000,
    background: true,
    replica: false,
  },
} satisfies Settings;

/** The options of the registration with their defaults filled in. */
export interface Registration extends Required<Omit<RegistrationOptions, 'dataSource'>> {
  dataSource: string | undefined;
  api: Required<RouteOptions>;
  dashboard: Required<RouteOptions>;
}

export const REGISTRATION_DEFAULTS: Registration = {
  path: 'djaffar',
  route: 'track',
  tracker: 'tracker.js',
  dataSource: undefined,
  decorators: [],
  api: { decorators: [] },
  dashboard: { decorators: [] },
  isGlobal: false,
};

export const REGISTRATION = Symbol('Djaffar registration');
export const SETTINGS = Symbol('Djaffar settings');
export const STORE = Symbol('Djaffar store');
