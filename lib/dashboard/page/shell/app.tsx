import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { About } from '../../about.controller.js';
import { pathOf } from '../data/question.js';
import { forgetAnswers, useAnswer } from '../data/use-answer.js';
import { Address, useLocation } from '../state/address.js';
import { Now } from '../state/now.js';
import { ThemeContext, useChosenTheme } from '../state/theme.js';
import { VIEWS, viewOf } from '../state/view.js';
import { Header } from './header.js';
import { Toolbar } from './toolbar.js';
import { View } from './view.js';
import { Welcome } from './welcome.js';

export function App(): JSX.Element {
  const address = useLocation();
  const [now, setNow] = useState(() => new Date());
  const [theme, colors, chooseTheme] = useChosenTheme();
  const about = useAnswer<About>(pathOf('about'));
  const view = viewOf(address);
  const refresh = (): void => {
    forgetAnswers();
    setNow(new Date());
  };
  return (
    <Address.Provider value={address}>
      <Now.Provider value={now}>
        <ThemeContext.Provider value={colors}>
          <a class="skip" href="#main">
            To the content
          </a>
          <Header view={view} user={about.value?.user} theme={theme} onTheme={chooseTheme} />
          <Toolbar view={view} onRefresh={refresh} />
          <main id="main" tabIndex={-1}>
            {view !== 'user' && <h1 class="hidden">{VIEWS[view]}</h1>}
            <Welcome about={about.value} onFirst={refresh}>
              <View name={view} />
            </Welcome>
          </main>
        </ThemeContext.Provider>
      </Now.Provider>
    </Address.Provider>
  );
}
