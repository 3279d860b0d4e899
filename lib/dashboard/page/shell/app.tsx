import type { JSX } from 'preact';
import { useLayoutEffect, useState } from 'preact/hooks';
import type { About } from '../../about.controller.js';
import { pathOf } from '../data/question.js';
import { clearCache, useQuery } from '../data/use-query.js';
import { AboutContext, UNKNOWN } from '../state/about.js';
import { Now } from '../state/now.js';
import { OWN_ZONE, findRangeProblem } from '../state/range.js';
import { ThemeContext, useChosenTheme } from '../state/theme.js';
import { navigate, Url, useLocation, hrefWith, useUrl } from '../state/url.js';
import { TITLES, VIEWS_OF_ONE, parseView, WITHOUT_RANGE } from '../state/view.js';
import { Header } from './header.js';
import { Toolbar } from './toolbar.js';
import { View } from './view.js';
import { Welcome } from './welcome.js';

export function App(): JSX.Element {
  const url = useLocation();
  const [now, setNow] = useState(() => new Date());
  const [theme, colors, chooseTheme] = useChosenTheme();
  const query = useQuery<About>(pathOf('about'));
  const about = query.value ?? UNKNOWN;
  const isKnown = query.value !== undefined || query.failure !== undefined;
  const view = parseView(url);
  const problem = WITHOUT_RANGE.includes(view) ? undefined : findRangeProblem(url);
  const refresh = (): void => {
    clearCache();
    setNow(new Date());
  };
  // The time zone is part of each link, so that it shows the same numbers to everybody.
  const needsZone = isKnown && !url.has('tz');
  useLayoutEffect(() => {
    if (needsZone) navigate({ tz: about.timeZone ?? OWN_ZONE }, { replace: true });
  }, [needsZone]);
  const isReady = isKnown && !needsZone;
  return (
    <Url.Provider value={url}>
      <Now.Provider value={now}>
        <AboutContext.Provider value={about}>
          <ThemeContext.Provider value={colors}>
            <a class="skip" href="#main">
              Skip to content
            </a>
            <Header view={view} about={about} theme={theme} onTheme={chooseTheme} />
            <Toolbar view={view} isReady={isReady} onRefresh={refresh} />
            <main id="main" tabIndex={-1}>
              {!(view in VIEWS_OF_ONE) && <h1 class="hidden">{TITLES[view]}</h1>}
              {!isReady ? (
                <div class="card skeleton tall" aria-busy="true" />
              ) : problem === undefined ? (
                <Welcome
                  isEmpty={query.value !== undefined && about.since === null && view !== 'health'}
                  onFirst={refresh}
                >
                  <View name={view} />
                </Welcome>
              ) : (
                <RangeProblem problem={problem} />
              )}
            </main>
          </ThemeContext.Provider>
        </AboutContext.Provider>
      </Now.Provider>
    </Url.Provider>
  );
}

/** Shown instead of a view if the range is invalid. */
function RangeProblem({ problem }: { problem: string }): JSX.Element {
  const url = useUrl();
  return (
    <div class="card failure" role="alert">
      <p>{problem}</p>
      <a class="button" href={hrefWith(url, { range: null, from: null, to: null, tz: null })}>
        Show the last 30 days
      </a>
    </div>
  );
}
