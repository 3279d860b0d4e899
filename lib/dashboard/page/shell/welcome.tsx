import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { About } from '../../about.controller.js';
import { useStream } from '../data/use-stream.js';

interface WelcomeProps {
  /** Once the host has told. */
  about: About | undefined;
  /** The first activity is there, and was shown. */
  onFirst: () => void;
  children: ComponentChildren;
}

/** Where nothing is tracked yet it says how that begins, and waits for the first activity. */
export function Welcome({ about, onFirst, children }: WelcomeProps): JSX.Element {
  const [isDone, setDone] = useState(false);
  if (!about?.isEmpty || isDone) return <>{children}</>;
  const done = (): void => {
    setDone(true);
    onFirst();
  };
  return <HowToBegin tracker={about.tracker} onDone={done} />;
}

function HowToBegin({ tracker, onDone }: { tracker: string; onDone: () => void }): JSX.Element {
  const { activities } = useStream();
  const first = activities.at(-1);
  useEffect(() => {
    if (first) document.querySelector<HTMLElement>('#first')?.focus();
  }, [first === undefined]);
  return (
    <section class="card welcome" aria-label="Welcome">
      <h2>Nothing has been tracked yet</h2>
      <p>Put the tracker on your pages, and views appear here as they happen:</p>
      <pre>
        <code>{`<script defer src="${tracker}"></script>`}</code>
      </pre>
      <p>Or log what you like, from the browser or from the server:</p>
      <pre>
        <code>{`await djaffar.track('bought', { plan: 'pro' });\nawait activityService.track({ path: '/invoices/9', name: 'paid', user });`}</code>
      </pre>
      <div role="status">
        {first ? (
          <p class="first">
            The first activity is here: <strong>{first.name}</strong> at <strong>{first.path}</strong>
          </p>
        ) : (
          <p class="waiting">
            <span class="dot" aria-hidden="true" /> Waiting for the first activity …
          </p>
        )}
      </div>
      {first && (
        <button id="first" type="button" class="primary" onClick={onDone}>
          Look at it
        </button>
      )}
    </section>
  );
}
