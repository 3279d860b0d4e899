import { truncate, type Properties } from './activity.js';
import { type Entry, forget, last, leave, retry } from './queue.js';
import { cameFrom, here, stripQuery, track, useHash, view } from './track.js';

/** Options of automatic tracking. */
export interface AutoTracking {
  /** Whether the fragment is the path, as with routers that use `location.hash`. */
  hash?: true | undefined;
  /** Whether nothing is tracked automatically. */
  manual?: true | undefined;
  /** Whether clicks on links to other hosts, and on downloads, are tracked. */
  outbound?: true | undefined;
  /**
   * The file types whose links are downloads, such as `pdf,zip`.
   * @defaultValue common types of documents, archives, installers and media
   */
  download?: string | undefined;
  /** The pattern of the route of the page as it was loaded, such as `/products/:id`. */
  route?: string | undefined;
  /** Whether the time in view of each page is tracked, and how far it was scrolled. */
  engagement?: true | undefined;
}

/** File types whose links are downloads by default. */
const FILE_TYPES =
  'pdf,doc,docx,xls,xlsx,pptx,ppt,odt,ods,txt,csv,epub,zip,gz,tar,7z,rar,dmg,exe,msi,apk,mp3,mp4';

/** Milliseconds. A page that is replaced by another page sooner is a redirect, and was never viewed. */
const REDIRECT = 50;

/** The listener also gets events of the document, because it captures them on their way down. */
const on = (type: string, listener: (event: never) => void): void => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each listener knows the events of its type
  addEventListener(type, listener as EventListener, true);
};

/** Must be called once, when the page begins. */
export const start = (auto: AutoTracking): void => {
  /** `performance.now()` when the page came into view; false if it is hidden. */
  let since: number | false;
  /** The view of a page that may turn out to be a redirect. */
  let fresh: Entry | 0 | undefined;
  /** Pixels from the top to the lowest point that was in view. */
  let depth = 0;
  /** The path of the latest view. */
  let seen: string | undefined;
  /** The last tracked click of the current task: the element with `data-djaffar`, and the innermost one. */
  let lastNamed: HTMLElement | 0 | undefined;
  let lastTarget: unknown;

  const fileTypes = (auto.download || FILE_TYPES).split(',');

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
        scroll: (100 * Math.min(1, depth / document.documentElement.scrollHeight)) | 0,
      });
    }
    since = !document.hidden && now;
  };
  const show = (referer?: string, route?: string): void => {
    measure();
    seen = here();
    depth = 0;
    void view(seen, referer, route);
    fresh = last;
    setTimeout(() => (fresh = 0), REDIRECT);
  };
  const move = ({ navigationType }: { navigationType?: string | null }): void => {
    if (stripQuery(seen!) === stripQuery(here())) return;
    if (fresh && /rep/.test(navigationType!)) {
      forget([fresh], false);
      // The page that redirects has no time in view.
      since = 0;
      show(cameFrom);
    } else show();
  };
  const hide = (): void => {
    if (seen) measure();
    leave();
  };
  /** Tracks a click, or the submission of a form. */
  const act = (event: Partial<MouseEvent> & Event): void => {
    const { button = 0 } = event;
    // Targets in open shadow roots are in it, too.
    const path = event.composedPath() as Partial<HTMLAnchorElement>[];
    const find = (selector: string): HTMLAnchorElement | undefined =>
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only elements have `matches`
      path.find((node) => node.matches?.(selector)) as HTMLAnchorElement | undefined;
    const link = find('a[href]');
    // The middle button only follows links, and the right one does nothing.
    if (button > +!!link) return;
    const named = find('[data-djaffar]');
    // A form is submitted, all else is clicked. A click on a label is followed by one on its control, in the same task.
    if (named && 'submit' in named !== 'button' in event && (named !== lastNamed || path[0] === lastTarget)) {
      const properties: Properties = {};
      for (const { name, value } of named.attributes) {
        const property = name.split('data-djaffar-')[1];
        if (property) properties[property] = value;
      }
      void track(named.dataset.djaffar, properties);
      lastNamed = named;
      lastTarget = path[0];
      setTimeout(() => (lastNamed = 0));
    }
    if ('outbound' in auto && link?.host) {
      const name =
        link.host !== location.host
          ? 'outbound'
          : (link.matches('[download]') ||
              fileTypes.includes(link.pathname.toLowerCase().split('.').pop()!)) &&
            'download';
      if (name) void track(name, { url: truncate(link.href) });
    }
  };
  const begin = (): void => {
    show(undefined, auto.route);
    try {
      navigation.addEventListener('currententrychange', move);
    } catch {
      // This browser has no Navigation API.
      for (const name of ['pushState', 'replaceState'] as const) {
        const original = history[name];
        history[name] = (...given) => {
          original.apply(history, given);
          move({ navigationType: name });
        };
      }
    }
    on('popstate', move);
    // The page was restored from the back/forward cache: it was not reached from itself.
    on('pageshow', ({ persisted }: PageTransitionEvent) => persisted && show(''));
    on('click', act);
    on('submit', act);
    on('auxclick', act);
  };

  if ('hash' in auto) useHash();
  if ('manual' in auto) {
    // Nothing is tracked automatically.
  } else if (document.prerendering) on('prerenderingchange', begin);
  else begin();
  on('scroll', scroll);
  on('online', retry);
  on('pagehide', leave);
  // It is the last event of a page, also when the page is left.
  on('visibilitychange', hide);
};
