import type { JSX } from 'preact';
import type { CheckState, HealthCheck } from '../../../../health/health.types.js';

const STATES: Record<CheckState, [mark: string, label: string]> = {
  ok: ['✓', 'Done'],
  waiting: ['…', 'Waiting'],
  wrong: ['!', 'Wrong'],
};

/** The checks of what must be right before activities arrive. */
export function Checks({ checks }: { checks: HealthCheck[] }): JSX.Element {
  return (
    <ol class="checks">
      {checks.map(({ name, state, text, cure }) => (
        <li key={name} class={`is-${state}`}>
          <span class="check-mark" role="img" aria-label={STATES[state][1]}>
            {STATES[state][0]}
          </span>
          <div>
            <p>{text}</p>
            {cure !== null && <p class="remedy">{sentence(cure)}</p>}
          </div>
        </li>
      ))}
    </ol>
  );
}

/** Returns a text with a capital letter, unless it begins with code. */
export function sentence(text: string): string {
  return /^\w+[.:(]/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
}
