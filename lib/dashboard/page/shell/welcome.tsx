import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Health } from '../../../health/health.types.js';
import { pathOf } from '../data/question.js';
import { usePolled } from '../data/use-polled.js';
import { useStream } from '../data/use-stream.js';
import { useAbout } from '../state/about.js';
import { Checks } from '../views/health/checks.js';

interface WelcomeProps {
  isEmpty: boolean;
  /** Called after the first activity was shown. */
  onFirst: () => void;
  children: ComponentChildren;
}

/** Shows how to add the tracker while nothing is tracked, and waits for the first activity. */
export function Welcome({ isEmpty, onFirst, children }: WelcomeProps): JSX.Element {
  const [isDone, setDone] = useState(false);
  if (!isEmpty || isDone) return <>{children}</>;
  const done = (): void => {
    setDone(true);
    onFirst();
  };
  return <HowToBegin onDone={done} />;
}

function HowToBegin({ onDone }: { onDone: () => void }): JSX.Element {
  const { tracker, health } = useAbout();
  const { activities } = useStream();
  const first = activities.at(-1);
  useEffect(() => {
    if (first) document.querySelector<HTMLElement>('#first')?.focus();
  }, [first === undefined]);
  return (
    <section class="card welcome" aria-label="Welcome">
      <h2>Nothing has been tracked yet</h2>
      <p>Add the tracker to your pages. Their views then appear here immediately:</p>
      <pre>
        <code>{`<script defer src="${pathFromRoot(tracker)}"></script>`}</code>
      </pre>
      <p>Or track any other activity, in the browser or on the server:</p>
      <pre>
        <code>{`await djaffar.track('bought', { plan: 'pro' });\nawait activityService.track({ path: '/invoices/9', name: 'paid', user });`}</code>
      </pre>
      <div role="status">
        {first ? (
          <p class="first">
            First activity: <strong>{first.name}</strong> at <strong>{first.path}</strong>
          </p>
        ) : (
          <p class="waiting">
            <span class="dot" aria-hidden="true" /> Waiting for the first activity …
          </p>
        )}
      </div>
      {health && <CheckList />}
      {first && (
        <button id="first" type="button" class="primary" onClick={onDone}>
          Show the dashboard
        </button>
      )}
    </section>
  );
}

/** A checklist that is updated while the app is set up. */
function CheckList(): JSX.Element | null {
  const { value } = usePolled<Health>(pathOf('health'), 3000);
  return value ? <Checks checks={value.checks} /> : null;
}

/** Returns the path for the host's pages, with the prefixes of the host and of a proxy. */
const pathFromRoot = (url: string): string => new URL(url, document.baseURI).pathname;
