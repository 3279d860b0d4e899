import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Overview } from '../views/overview/overview.js';
import { request, RequestError } from '../data/request.js';
import { TITLES, type ViewName } from '../state/view.js';

/** Views that are loaded when they are first opened. */
const LOADERS: Record<Exclude<ViewName, 'overview'>, () => Promise<ComponentType>> = {
  live: async () => (await import('../views/live/live.js')).Live,
  visits: async () => (await import('../views/visits/visits.js')).Visits,
  funnels: async () => (await import('../views/funnels/funnels.js')).Funnels,
  retention: async () => (await import('../views/retention/retention.js')).Retention,
  journeys: async () => (await import('../views/journeys/journeys.js')).Journeys,
  health: async () => (await import('../views/health/health.js')).Health,
  subject: async () => (await import('../views/subject/subject.js')).Subject,
  user: async () => (await import('../views/user/user.js')).User,
};

/** Returns why an import failed, by a request to the same guards, because an import does not say why. */
async function refusalReason(): Promise<string | undefined> {
  try {
    await request('about');
    return undefined;
  } catch (error) {
    return error instanceof RequestError ? error.message : undefined;
  }
}

export function View({ name }: { name: ViewName }): JSX.Element | null {
  const [loaded, setLoaded] = useState<{
    name: ViewName;
    Component?: ComponentType;
    reason?: string | undefined;
  }>();
  useEffect(() => {
    document.title = `${TITLES[name]} – Djaffar`;
    if (name === 'overview') return undefined;
    let isCurrent = true;
    LOADERS[name]().then(
      (Component) => isCurrent && setLoaded({ name, Component }),
      async () => {
        const reason = await refusalReason();
        if (isCurrent) setLoaded({ name, reason });
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [name]);
  if (name === 'overview') return <Overview />;
  if (loaded?.name !== name) return <div class="card skeleton tall" aria-busy="true" />;
  if (loaded.Component) return <loaded.Component />;
  // After an update of the app, the server no longer has the files of the open page.
  return (
    <div class="card failure" role="alert">
      <p>{loaded.reason ?? 'This view could not be loaded.'}</p>
      <button type="button" onClick={() => location.reload()}>
        Reload the page
      </button>
    </div>
  );
}
