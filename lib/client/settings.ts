/** Settings of the tracker, which `configure` may change at any time. */
export interface Settings {
  /**
   * The URL of the routes, without a trailing slash.
   * @defaultValue the folder of the script; `/djaffar` if you import `nestjs-djaffar/client`
   */
  endpoint: string;

  /**
   * The name of the tracking route, if the module's option `route` changes it.
   * @defaultValue 'track'; the script of the module contains the name
   */
  route: string;

  /**
   * Headers of each request, such as a bearer token. A function is called before each request. Headers that the server
   * refused are not sent again: activities wait until they change.
   */
  headers: Record<string, string> | (() => Record<string, string> | Promise<Record<string, string>>);

  /**
   * Whether cookies are sent to another origin, as in `fetch`.
   * @defaultValue 'same-origin'
   */
  credentials: RequestCredentials;

  /**
   * Where activities wait for the server: `memory` keeps them only as long as the page, and leaves nothing on the device. The
   * script of the module knows the option `privacy`.
   * @defaultValue IndexedDB
   */
  storage?: 'memory' | undefined;

  /**
   * Tracks also visitors whose browser sends Global Privacy Control or Do Not Track.
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
  // The browser refuses storage, or a server renders the page.
}

/** True if this visitor must not be tracked. */
export const isSilent = (): unknown => {
  return (
    settings.isOptedOut ||
    (!('ignoreDnt' in settings) && (navigator.globalPrivacyControl || +navigator.doNotTrack!))
  );
};
