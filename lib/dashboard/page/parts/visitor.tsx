import type { JSX } from 'preact';
import { hrefWith, useUrl } from '../state/url.js';
import { Icon, type IconName } from './icon.js';

interface VisitorProps {
  user: string | null;
  userName?: string | null | undefined;
  session: string | null;
}

/** Who it was; a user's name links to the profile. */
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
