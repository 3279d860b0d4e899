/** What a page can say with `configure`, at any time. */
export interface Settings {
  /**
   * Where the tracker's routes are, without a trailing slash.
   * @defaultValue what the script was loaded from, `/djaffar` in the module
   */
  endpoint: string;

  /**
   * The name of the tracking route, if the module's option `route` changes it.
   * @defaultValue 'track'; a script from the module knows it
   */
  route: string;

  /**
   * Added to each request, such as a bearer token; a function is asked before each. Tokens that the server refused are not
   * sent again: the activities wait for others.
   */
  headers: Record<string, string> | (() => Record<string, string> | Promise<Record<string, string>>);

  /**
   * Whether cookies go to another origin, as in `fetch`.
   * @defaultValue 'same-origin'
   */
  credentials: RequestCredentials;

  /**
   * Whether to track those, too, whose browser says by Global Privacy Control or Do Not Track that they do not want it.
   */
  ignoreDnt?: true;
}

interface State extends Settings {
  isOptedOut: unknown;
}

export const settings: Partial<State> = {};

try {
  settings.isOptedOut = localStorage.djaffar;
} catch {
  // Storage is refused, or this is a server that renders the page.
}

/** Whether this visitor is not to be tracked. */
export const isSilent = (): unknown => {
  return (
    settings.isOptedOut ||
    (!('ignoreDnt' in settings) && (navigator.globalPrivacyControl || +navigator.doNotTrack!))
  );
};
