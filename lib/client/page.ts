import { cut, type Properties } from './activity.js';
import { leave, retry } from './queue.js';
import { here, track, useHash, view } from './track.js';

/** What is tracked without being asked. */
export interface AutoTracking {
  /** Whether the fragment is the path, as with routers by `location.hash`. */
  hash?: true;
  /** Whether nothing is tracked by itself. */
  manual?: true;
  /** Whether clicks on links that leave the site, and on downloads, are tracked. */
  outbound?: true;
  /** Whether the time in view of each page is tracked, and how far it was scrolled. */
  engagement?: true;
}

/** The path of a file that is no page. */
const FILE = /\.(?!html?$)\w{2,4}$/;

/** Events of the document, too, pass the window on their way. */
function on(type: string, listener: (event: never) => void): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each listener knows the events of its type
  addEventListener(type, listener as EventListener, true);
}

/** To be called once, when the page begins. */
export function start(auto: AutoTracking): void {
  /** Since when the page is in view, by `performance.now()`; false where it is hidden. */
  let since: number | false;
  /** Pixels from the top to the lowest that was in view. */
  let depth = 0;
  /** The path in view, once there is one. */
  let seen: string | undefined;

  const scroll = (): void => {
    depth = Math.max(depth, scrollY + innerHeight);
  };
  const measure = (): void => {
    const now = performance.now();
    const visible = since && (now - since) | 0;
    scroll();
    if (visible && 'engagement' in auto) {
      void track('engagement', {
        visible,
        scroll: Math.min(100, ((100 * depth) / document.documentElement.scrollHeight) | 0),
      });
    }
    since = !document.hidden && now;
  };
  const show = (): void => {
    measure();
    seen = here();
    depth = 0;
    void view();
  };
  const move = (): void => {
    if (seen !== here()) show();
  };
  const hide = (): void => {
    if (seen) measure();
    leave();
  };
  const begin = (): void => {
    show();
    try {
      navigation.addEventListener('currententrychange', move);
    } catch {
      // This browser has no Navigation API.
      for (const name of ['pushState', 'replaceState'] as const) {
        const original = history[name];
        history[name] = (...given) => {
          original.apply(history, given);
          move();
        };
      }
    }
    on('popstate', move);
    // From the back/forward cache.
    on('pageshow', ({ persisted }: PageTransitionEvent) => persisted && show());
    on('click', ({ target }: { target: Partial<Element> }) => {
      const named = target.closest?.<HTMLElement>('[data-djaffar]');
      if (named) {
        const properties: Properties = {};
        for (const { name, value } of named.attributes) {
          const property = name.split('data-djaffar-')[1];
          if (property) properties[property] = value;
        }
        void track(named.dataset.djaffar, properties);
      }
      const link = target.closest?.<HTMLAnchorElement>('a[href]');
      if ('outbound' in auto && link?.host) {
        const name =
          link.host !== location.host
            ? 'outbound'
            : link.download || FILE.test(link.pathname)
              ? 'download'
              : '';
        if (name) void track(name, { url: cut(link.href) });
      }
    });
  };

  if ('hash' in auto) useHash();
  if ('manual' in auto) {
    // Nothing by itself.
  } else if (document.prerendering) on('prerenderingchange', begin);
  else begin();
  on('scroll', scroll);
  on('online', retry);
  on('pagehide', leave);
  // It comes last, also when the page is left.
  on('visibilitychange', hide);
}
