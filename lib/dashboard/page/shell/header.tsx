import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { About } from '../../about.controller.js';
import { Icon, type IconName } from '../parts/icon.js';
import { hrefWith, useUrl } from '../state/url.js';
import { type Theme, THEMES } from '../state/theme.js';
import { VIEWS, type ViewName } from '../state/view.js';
import { typedKeys } from '../state/keys.js';

const THEME_ICONS: Record<Theme, IconName> = { auto: 'auto', light: 'sun', dark: 'moon' };

/** URL parameters that only one view uses; links to other views omit them. */
const OWN = ['open', 'start', 'end', 'depth', 'step', 'within', 'period', 'by'];

interface HeaderProps {
  view: ViewName;
  about: Pick<About, 'user' | 'health'>;
  theme: Theme;
  onTheme: (theme: Theme) => void;
}

export function Header({ view, about, theme, onTheme }: HeaderProps): JSX.Element {
  const { user, health } = about;
  const url = useUrl();
  const nav = useRef<HTMLElement>(null);
  // On a narrow screen, the tab of the current view may be out of sight.
  useEffect(
    () =>
      nav.current?.querySelector('[aria-current]')?.scrollIntoView({ inline: 'nearest', block: 'nearest' }),
    [view, user],
  );
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'auto';
  const cleared = Object.fromEntries(OWN.map((name) => [name, null]));
  // The user of a profile, or the subject of its page, does not become a filter of other views.
  const left = view === 'user' || view === 'subject' ? { ...cleared, [view]: null } : cleared;
  return (
    <header class="top">
      <a class="brand" href={hrefWith(url, { ...left, view: null })}>
        <img src="assets/icon.svg" alt="" width="24" height="24" />
        Djaffar
      </a>
      <nav ref={nav} aria-label="Views">
        {typedKeys(VIEWS).map((name) => (
          <a
            key={name}
            href={hrefWith(url, { ...left, view: name === 'overview' ? null : name })}
            aria-current={name === view ? 'page' : undefined}
          >
            {name === 'live' && <span class="dot" aria-hidden="true" />}
            {VIEWS[name]}
          </a>
        ))}
      </nav>
      {user && (
        <span class="who muted">
          <Icon name="user" /> {user}
        </span>
      )}
      {health && (
        <a
          class="button plain"
          href={hrefWith(url, { ...left, view: 'health' })}
          aria-current={view === 'health' ? 'page' : undefined}
          aria-label="Health"
          title="Health: whether activities arrive, and why not"
        >
          <Icon name="pulse" />
        </a>
      )}
      <button
        type="button"
        class="plain"
        title={`Theme: ${theme}`}
        aria-label={`Theme: ${theme}. Change to ${next}`}
        onClick={() => onTheme(next)}
      >
        <Icon name={THEME_ICONS[theme]} />
      </button>
    </header>
  );
}
