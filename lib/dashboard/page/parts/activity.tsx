import type { JSX } from 'preact';
import { hrefWith, useUrl } from '../state/url.js';
import { Icon, type IconName } from './icon.js';

interface VisitorProps {
  user: string | null;
  userName?: string | null | undefined;
  session: string | null;
}

/** The user or session of an activity; a user's name links to the profile. */
export function Visitor({ user, userName, session }: VisitorProps): JSX.Element {
  const url = useUrl();
  if (user === null) {
    return <span class="visitor muted">Visitor{session === null ? '' : ` ${session.slice(0, 6)}`}</span>;
  }
  return (
    <a class="visitor link" href={hrefWith(url, { view: 'user', user, open: null })}>
      {userName ?? user}
    </a>
  );
}

/** The object of an activity, which links to its page. */
export function SubjectLink({ subject }: { subject: string | null }): JSX.Element | null {
  const url = useUrl();
  return subject === null ? null : (
    <a class="link" href={hrefWith(url, { view: 'subject', subject, open: null })}>
      {subject}
    </a>
  );
}

const DEVICES: Record<string, IconName> = { desktop: 'desktop', mobile: 'mobile', tablet: 'tablet' };

interface DeviceProps {
  browser: string | null;
  system: string | null;
  device: string | null;
}

export function Device({ browser, system, device }: DeviceProps): JSX.Element {
  const icon = device === null ? undefined : DEVICES[device];
  return (
    <span class="device muted" title={device ?? undefined}>
      {icon && <Icon name={icon} />}
      {[browser, system].filter((each) => each !== null).join(', ')}
    </span>
  );
}

/** Characters of a value that are shown; a click shows the rest. */
const MAX_SHORT = 120;

interface PropertiesProps {
  of: Record<string, unknown> | null;
  /** How many properties are shown, shortened; by default all, and each can be opened. */
  max?: number;
}

/** The properties of an activity. */
export function Properties({ of, max }: PropertiesProps): JSX.Element | null {
  const entries = Object.entries(of ?? {});
  if (entries.length === 0) return null;
  const shown = entries.slice(0, max);
  return (
    <span class={`properties ${max === undefined ? '' : 'is-short'}`}>
      {shown.map(([key, value]) => (
        <Property
          key={key}
          name={key}
          value={typeof value === 'string' ? value : JSON.stringify(value)}
          canOpen={max === undefined}
        />
      ))}
      {shown.length < entries.length && <span class="muted">+{entries.length - shown.length}</span>}
    </span>
  );
}

function Property({ name, value, canOpen }: { name: string; value: string; canOpen: boolean }): JSX.Element {
  const isLong = value.length > MAX_SHORT;
  const beginning = isLong ? `${value.slice(0, MAX_SHORT)}…` : value;
  if (isLong && canOpen) {
    return (
      <details class="property">
        <summary>
          <span class="muted">{name}</span> {beginning}
        </summary>
        <span class="property-value">{value}</span>
      </details>
    );
  }
  return (
    <span class="property" title={canOpen ? undefined : `${name} ${value}`}>
      <span class="muted">{name}</span> {beginning}
    </span>
  );
}
