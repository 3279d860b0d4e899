import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';

export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'djaffar-theme';

/** Changes whenever the colours change. */
export const ThemeContext = createContext('auto');

export const useTheme = (): string => useContext(ThemeContext);

/** The theme that the viewer has chosen; by default that of the system. */
export function useChosenTheme(): [theme: Theme, colors: string, choose: (theme: Theme) => void] {
  const [theme, setTheme] = useState<Theme>(() => THEMES.find((each) => each === stored()) ?? 'auto');
  const [isDark, setDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches);
  // Must happen before anything is drawn.
  document.documentElement.dataset.theme = theme;
  useEffect(() => {
    const media = matchMedia('(prefers-color-scheme: dark)');
    const update = (): void => setDark(media.matches);
    media.addEventListener('change', update);
    return () => media.removeEventListener('change', update);
  }, []);
  const choose = (chosen: Theme): void => {
    setTheme(chosen);
    try {
      localStorage.setItem(KEY, chosen);
    } catch {
      // Without storage, the choice lasts until the page is closed.
    }
  };
  return [theme, `${theme} ${isDark}`, choose];
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
