import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Dialog } from '../parts/dialog.js';
import { navigate } from '../state/url.js';
import { type Range, customParameters } from '../state/range.js';

/** A form for a range: first day, last day and time zone. */
export function CustomRange({ range, onClose }: { range: Range; onClose: () => void }): JSX.Element {
  const given = customParameters(range.from, range.to, range.timeZone);
  const [from, setFrom] = useState(given.from?.slice(0, 10) ?? '');
  const [to, setTo] = useState(given.to?.slice(0, 10) ?? '');
  const [timeZone, setTimeZone] = useState(range.timeZone);
  const isReversed = from !== '' && to !== '' && to < from;
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (isReversed) return;
    navigate({ range: 'custom', from, to, tz: timeZone });
    onClose();
  };
  return (
    <Dialog title="Date range" onClose={onClose}>
      <form class="fields" onSubmit={onSubmit}>
        <label>
          From
          <input
            type="date"
            required
            value={from}
            max="9999-12-31"
            onInput={({ currentTarget }) => setFrom(currentTarget.value)}
          />
        </label>
        <label>
          To (inclusive)
          <input
            type="date"
            required
            value={to}
            max="9999-12-31"
            aria-invalid={isReversed}
            aria-describedby={isReversed ? 'range-error' : undefined}
            onInput={({ currentTarget }) => setTo(currentTarget.value)}
          />
        </label>
        <label>
          Time zone
          <select value={timeZone} onChange={({ currentTarget }) => setTimeZone(currentTarget.value)}>
            {[...new Set([range.timeZone, 'UTC', ...Intl.supportedValuesOf('timeZone')])]
              .sort()
              .map((zone) => (
                <option key={zone} value={zone}>
                  {zone.replaceAll('_', ' ')}
                </option>
              ))}
          </select>
        </label>
        {isReversed && (
          <p id="range-error" class="field-error" role="alert">
            The range ends before it begins.
          </p>
        )}
        <button type="submit" class="primary" disabled={isReversed}>
          Apply
        </button>
      </form>
    </Dialog>
  );
}
