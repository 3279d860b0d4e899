import type { ComponentChildren, JSX } from 'preact';
import type { Answer } from '../data/use-answer.js';

interface CardProps {
  title: string;
  /** Beside the title: tabs, buttons. */
  actions?: ComponentChildren;
  class?: string;
  children: ComponentChildren;
}

export function Card({ title, actions, children, class: name = '' }: CardProps): JSX.Element {
  return (
    <section class={`card ${name}`} aria-label={title}>
      <header class="card-head">
        <h2>{title}</h2>
        {actions}
      </header>
      {children}
    </section>
  );
}

interface AnsweredProps<T> {
  answer: Answer<T>;
  /** What stands there until the first answer. */
  skeleton: JSX.Element;
  children: (value: T) => ComponentChildren;
}

/** A part of the page that is there once the host has answered, and says so when it has not. */
export function Answered<T>({ answer, skeleton, children }: AnsweredProps<T>): JSX.Element {
  const { value, isLoading, refusal, retry } = answer;
  if (refusal) {
    return (
      <div class="failure" role="alert">
        <p>{refusal.message}</p>
        {refusal.status === 401 ? (
          <button type="button" onClick={() => location.reload()}>
            Log in
          </button>
        ) : (
          <button type="button" onClick={retry}>
            Try again
          </button>
        )}
      </div>
    );
  }
  if (value === undefined) {
    return (
      <div aria-busy="true">
        <span class="hidden">Loading</span>
        {skeleton}
      </div>
    );
  }
  return (
    <div class={isLoading ? 'is-loading' : ''} aria-busy={isLoading}>
      {children(value)}
    </div>
  );
}

export function Empty({ children }: { children: ComponentChildren }): JSX.Element {
  return <p class="empty">{children}</p>;
}

/** Grey lines in the place of a table's rows. */
export function SkeletonRows({ count = 8 }: { count?: number }): JSX.Element {
  return (
    <div class="skeleton-rows" aria-hidden="true">
      {Array.from({ length: count }, (_, i) => (
        <div key={i} class="skeleton" style={{ width: `${95 - i * 8}%` }} />
      ))}
    </div>
  );
}
